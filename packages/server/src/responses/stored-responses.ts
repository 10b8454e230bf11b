import type { ChatMessage } from "@trtllm-node/runtime";
import { ApiError, unsupported } from "../api-error.ts";
import type { ResponseObject } from "./response-object.ts";

interface StoredResponse {
  readonly response: ResponseObject;
  /** The conversation up to its answer, without instructions. */
  readonly messages: readonly ChatMessage[];
}

/** The last responses that were made, each for the key that asked for it. */
export class StoredResponses {
  readonly #limit: number;
  /** By key and id, those used least lately first. */
  readonly #stored = new Map<string, StoredResponse>();

  /** @param limit how many are kept; 0: none */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Whether a response is to be kept.
   * @throws ApiError: it is asked for where nothing is
   */
  keeps(asked: boolean | null | undefined): boolean {
    if (this.#limit > 0) return asked ?? true;
    if (asked) throw unsupported("store", notKept);
    return false;
  }

  add(key: string, stored: StoredResponse): void {
    this.#stored.set(nameOf(key, stored.response.id), stored);
    if (this.#stored.size > this.#limit) this.#stored.delete(this.#stored.keys().next().value!);
  }

  /** What was said before. @throws ApiError: 400 */
  before(key: string, id: string | null | undefined): readonly ChatMessage[] {
    if (id === null || id === undefined) return [];
    if (this.#limit === 0) throw unsupported("previous_response_id", notKept);
    const stored = this.#use(key, id);
    if (stored !== undefined) return stored.messages;
    const message = `Previous response with id '${id}' not found.`;
    throw new ApiError(400, message, { param: "previous_response_id", code: "previous_response_not_found" });
  }

  /** @throws ApiError: 404 */
  get(key: string, id: string): ResponseObject {
    const stored = this.#use(key, id);
    if (stored === undefined) throw notFound(id);
    return stored.response;
  }

  /** @throws ApiError: 404 */
  delete(key: string, id: string): object {
    if (!this.#stored.delete(nameOf(key, id))) throw notFound(id);
    return { id, object: "response", deleted: true };
  }

  #use(key: string, id: string): StoredResponse | undefined {
    const name = nameOf(key, id);
    const stored = this.#stored.get(name);
    if (stored === undefined) return undefined;
    this.#stored.delete(name);
    this.#stored.set(name, stored);
    return stored;
  }
}

const notKept = "This server keeps no responses. Send the conversation in 'input'.";

function nameOf(key: string, id: string): string {
  return `${key} ${id}`;
}

function notFound(id: string): ApiError {
  return new ApiError(404, `Response with id '${id}' not found.`);
}
