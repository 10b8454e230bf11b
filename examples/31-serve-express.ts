/** A model in an Express application. Run: node --import tsx examples/31-serve-express.ts <engine> */
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { LLM } from "@trtllm-node/runtime";
import { createHandler } from "@trtllm-node/server";
import express from "express";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

await using llm = await LLM.load(engine);
const handler = createHandler({ "my-model": llm });

const app = express();
// Before express.json(), which would read the body. Express takes "/llm" off the path.
app.use("/llm", getRequestListener(handler));
app.get("/", (_, response) => void response.send("An application with a model at /llm/v1"));

const server = app.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/llm/v1`);
});
await new Promise((resolve) => process.once("SIGTERM", resolve));
await handler.close();
await new Promise((resolve) => server.close(resolve));
