import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the hub does wrong: called before a file's content is sent; true where it has answered itself. */
export type Trouble = (request: IncomingMessage, response: ServerResponse, content: Buffer) => boolean;

export interface HubServer extends AsyncDisposable {
  readonly url: string;
  /** Every request: method, path and range. */
  readonly requests: string[];
  trouble: Trouble | undefined;
  files: Map<string, Buffer>;
  readonly commit: string;
}

export const repository = "test-org/tiny-model";

/**
 * A local server that answers what the Hugging Face hub answers: model, tree and content with ranges. Files above
 * `lfsBytes` are listed as LFS ones with their SHA-256, smaller ones with git's SHA-1.
 * Source of the answers: the documentation of the hub's API, and @huggingface/hub.
 */
export async function serveHub(
  files: Map<string, Buffer>,
  { lfsBytes = 1000, token = "" } = {},
): Promise<HubServer> {
  const requests: string[] = [];
  const hub = { files, requests, trouble: undefined as Trouble | undefined, commit: "c".repeat(40) };
  const server = createServer((request, response) => {
    const { range = "", authorization = "" } = request.headers;
    requests.push(`${request.method} ${request.url?.split("?")[0]} ${range}`.trim());
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (token !== "" && authorization !== `Bearer ${token}`)
      return json(401, { error: "Access is restricted" });
    const path = decodeURIComponent(new URL(request.url ?? "", "http://hub").pathname);
    if (path === `/api/models/${repository}/revision/main`) {
      return json(200, {
        _id: "1",
        id: repository,
        sha: hub.commit,
        private: false,
        downloads: 0,
        likes: 0,
        gated: false,
      });
    }
    if (path === `/api/models/${repository}/tree/${hub.commit}`) return json(200, tree(hub.files, lfsBytes));
    const content = hub.files.get(path.replace(`/${repository}/resolve/${hub.commit}/`, ""));
    if (content === undefined) return json(404, { error: "Repository not found" });
    const [, from = "", to = ""] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? [];
    const probing = range === "bytes=0-0";
    if (!probing && hub.trouble?.(request, response, content)) return;
    const headers = {
      etag: `"${createHash("sha256").update(content).digest("hex")}"`,
      "accept-ranges": "bytes",
    };
    if (range === "")
      return response.writeHead(200, { ...headers, "content-length": content.length }).end(content);
    const start = Number(from);
    const end = Math.min(to === "" ? content.length - 1 : Number(to), content.length - 1);
    response.writeHead(206, {
      ...headers,
      "content-range": `bytes ${start}-${end}/${content.length}`,
      "content-length": end - start + 1,
    });
    return response.end(content.subarray(start, end + 1));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(hub, {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

function tree(files: ReadonlyMap<string, Buffer>, lfsBytes: number) {
  return [...files].map(([path, content]) => {
    const pointer = createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
    const entry = { type: "file", path, size: content.length, oid: pointer };
    if (content.length <= lfsBytes) return entry;
    const oid = createHash("sha256").update(content).digest("hex");
    return { ...entry, lfs: { oid, size: content.length, pointerSize: 134 } };
  });
}
