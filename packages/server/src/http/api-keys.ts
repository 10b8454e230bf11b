import { createHash, timingSafeEqual } from "node:crypto";
import { ApiError } from "../api-error.ts";

/** Who may use the server. Only digests of the keys are kept. */
export class ApiKeys {
  readonly #digests: readonly Buffer[];

  /** @param keys none: anybody may */
  constructor(keys: readonly string[] = []) {
    this.#digests = keys.map(digest);
  }

  /**
   * Takes the same time whatever the key, and whichever it equals.
   * @returns a name for who it is, which does not tell the key
   * @throws ApiError: 401
   */
  check(authorization: string | undefined): string {
    if (this.#digests.length === 0) return "anyone";
    const [, key] = /^Bearer +(\S+) *$/i.exec(authorization ?? "") ?? [];
    if (key === undefined) {
      throw new ApiError(
        401,
        "You didn't provide an API key. Send it in the header 'Authorization: Bearer KEY'.",
        {
          headers: challenge,
        },
      );
    }
    const asked = digest(key);
    let found = -1;
    this.#digests.forEach((known, index) => {
      if (timingSafeEqual(known, asked)) found = index;
    });
    if (found === -1) {
      throw new ApiError(401, "Incorrect API key provided.", { code: "invalid_api_key", headers: challenge });
    }
    return `key ${found}`;
  }
}

const challenge = { "www-authenticate": "Bearer" };

function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
