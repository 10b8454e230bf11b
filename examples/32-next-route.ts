/** Next.js: the whole of app/api/llm/[...path]/route.ts. ENGINE is the path of a GGUF file or an engine directory. */
import { LLM } from "@trtllm-node/runtime";
import { createHandler } from "@trtllm-node/server";

// Once, at the first request.
let handler: Promise<(request: Request) => Promise<Response>> | undefined;

async function load() {
  return createHandler({ "my-model": await LLM.load(process.env.ENGINE!) }, { basePath: "/api/llm" });
}

async function answer(request: Request): Promise<Response> {
  handler ??= load();
  return (await handler)(request);
}

export { answer as GET, answer as POST };
