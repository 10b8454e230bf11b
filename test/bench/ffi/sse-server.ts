/** The synthetic executor behind server-sent events, one event a token, as OpenAI's chat completions stream them. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Executor } from "@trtllm-node/core";
import { syntheticEngine, syntheticLibrary } from "../../support/synthetic.ts";

using engine = syntheticEngine({ vocabularySize: 50_000, maxSequenceTokens: 1_000_000, vocabulary: false });
const executor = await Executor.create(engine.path, { libraryPath: syntheticLibrary, maxBatchSize: 256 });

const event = (delta: object, finish_reason: string | null) => {
  const choices = [{ index: 0, delta, finish_reason }];
  return `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "synthetic", choices })}\n\n`;
};

const server = createServer(async (request, response) => {
  const { max_tokens: maxTokens } = JSON.parse(await text(request));
  response.writeHead(200, { "content-type": "text/event-stream" });
  for await (const { tokens } of executor.submit({ tokens: [1], maxTokens })) {
    let events = "";
    for (const token of tokens) events += event({ content: ` ${token}` }, null);
    if (!response.write(events)) await new Promise((resolve) => response.once("drain", resolve));
  }
  response.end(`${event({}, "length")}data: [DONE]\n\n`);
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
