/** A model beside the routes of a Hono application. Run: node --import tsx examples/30-serve-hono.ts <engine> */
import { serve } from "@hono/node-server";
import { LLM } from "@trtllm-node/runtime";
import { createHandler } from "@trtllm-node/server";
import { Hono } from "hono";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

await using llm = await LLM.load(engine);
const handler = createHandler({ "my-model": llm }, { basePath: "/llm" });

const app = new Hono();
app.get("/", (context) => context.text("An application with a model at /llm/v1"));
app.all("/llm/*", (context) => handler(context.req.raw));

const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => {
  console.log(`http://127.0.0.1:${port}/llm/v1`);
});
await new Promise((resolve) => process.once("SIGTERM", resolve));
await handler.close();
await new Promise((resolve) => server.close(resolve));
