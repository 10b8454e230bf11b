/** A model in a Fastify application. Run: node --import tsx examples/33-serve-fastify.ts <engine> */
import { getRequestListener } from "@hono/node-server";
import { LLM } from "@trtllm-node/runtime";
import { createHandler } from "@trtllm-node/server";
import fastify, { type FastifyInstance } from "fastify";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

await using llm = await LLM.load(engine);
const handler = createHandler({ "my-model": llm }, { basePath: "/llm" });
const listener = getRequestListener(handler);

const app = fastify();
app.get("/", () => "An application with a model at /llm/v1");
// In a context of its own, which leaves bodies unread: the handler reads them.
app.register(async (routes: FastifyInstance) => {
  routes.removeAllContentTypeParsers();
  routes.addContentTypeParser("*", (_request, _body, done) => done(null));
  routes.all("/llm/*", (request, reply) => {
    reply.hijack();
    return listener(request.raw, reply.raw);
  });
});

console.log(`${await app.listen({ port: 0, host: "127.0.0.1" })}/llm/v1`);
await new Promise((resolve) => process.once("SIGTERM", resolve));
await handler.close();
await app.close();
