/** A chat in a web page, over a WebSocket. Run: node --import tsx examples/34-websocket-chat.ts <engine> */
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { LLM } from "@trtllm-node/runtime";
import { type RawData, type WebSocket, WebSocketServer } from "ws";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

await using llm = await LLM.load(engine);

const site = createServer((_request, response) => {
  response.setHeader("content-type", "text/html; charset=utf-8");
  createReadStream(new URL("34-websocket-chat.html", import.meta.url)).pipe(response);
});
site.listen(0, "127.0.0.1");
await once(site, "listening");
const { port } = site.address() as AddressInfo;
const origin = `http://127.0.0.1:${port}`;

/** One conversation as long as the page is open; its KV cache stays warm. */
function converse(page: WebSocket): void {
  const session = llm.session({ system: "You are a helpful assistant.", whenFull: "drop-oldest-turns" });
  let answering: AbortController | undefined;
  page.on("close", () => answering?.abort());
  page.on("message", (data: RawData) => {
    const { say, stop } = JSON.parse(String(data)) as { say?: string; stop?: true };
    if (stop) answering?.abort();
    if (say && answering === undefined) void answer(say);
  });

  async function answer(say: string): Promise<void> {
    const tell = (message: object) => page.send(JSON.stringify(message));
    answering = new AbortController();
    try {
      const stream = session.stream(say, { maxTokens: 256, signal: answering.signal });
      for await (const text of stream.textStream) tell({ text });
      const { usage } = await stream.result;
      tell({ end: true, cached: usage.cachedPromptTokens });
    } catch (error) {
      tell({ end: true, error: (error as Error).message });
    } finally {
      answering = undefined;
    }
  }
}

// Pages of other sites may open sockets too: they are told apart by their origin.
const sockets = new WebSocketServer({
  server: site,
  verifyClient: (client: { origin: string }) => client.origin === origin,
});
sockets.on("connection", converse);

console.log(origin);
await new Promise((resolve) => process.once("SIGTERM", resolve));
for (const page of sockets.clients) page.close();
sockets.close();
await new Promise((resolve) => site.close(resolve));
