/** Reads the same tokens through HTTP with the `openai` client: `sse-client.ts '{"streams": ..., "tokensPerStream": ...}'`. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import OpenAI from "openai";

const { streams, tokensPerStream } = JSON.parse(process.argv[2]!);
const server = fork(fileURLToPath(new URL("sse-server.ts", import.meta.url)));
const [port] = await once(server, "message");
const client = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: "none", maxRetries: 0 });

async function stream(maxTokens: number): Promise<void> {
  let count = 0;
  const messages = [{ role: "user" as const, content: "?" }];
  const chunks = await client.chat.completions.create({
    model: "synthetic",
    messages,
    stream: true,
    max_tokens: maxTokens,
  });
  for await (const chunk of chunks) if (chunk.choices[0]?.delta.content) count += 1;
  if (count !== maxTokens) throw new Error(`A stream gave ${count} tokens instead of ${maxTokens}`);
}

const run = (tokens: number) => Promise.all(Array.from({ length: streams }, () => stream(tokens)));

await run(Math.ceil(tokensPerStream / 5)); // warm
const cpu = process.cpuUsage();
const start = performance.now();
await run(tokensPerStream);
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);
server.kill();

const tokens = streams * tokensPerStream;
process.stdout.write(
  JSON.stringify({ tokensPerSecond: tokens / seconds, tokensPerCpuSecond: tokens / ((user + system) / 1e6) }),
);
