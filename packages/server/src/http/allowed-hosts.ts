import { ApiError } from "../api-error.ts";

/**
 * Keeps out pages of other sites whose name was made to lead here (DNS rebinding): their requests bear that name.
 * @param hosts names without ports; none: any
 */
export class AllowedHosts {
  readonly #hosts: ReadonlySet<string> | undefined;

  constructor(hosts: readonly string[] | undefined) {
    this.#hosts = hosts && new Set(hosts.map((host) => hostname(host)));
  }

  /** @throws ApiError: 403 */
  check(request: Request): void {
    if (this.#hosts === undefined) return;
    const host = request.headers.get("host") ?? new URL(request.url).host;
    if (this.#hosts.has(hostname(host))) return;
    throw new ApiError(403, "This server is not to be reached by that name.", { code: "host_not_allowed" });
  }
}

/** "[::1]:8000" to "[::1]". */
function hostname(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
}
