import { fileURLToPath } from "node:url";
import { execaNode } from "execa";
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { heard } from "../support/cli.ts";
import { modelPath } from "../support/model.ts";

const cwd = fileURLToPath(new URL("../..", import.meta.url));
const nodeOptions = ["--import", "tsx", "--conditions=@trtllm-node/source"];
const request = { model: "my-model", prompt: "The capital of France is", max_tokens: 2, temperature: 0 };

describe("examples of applications with a model in them", () => {
  it.each(["30-serve-hono.ts", "31-serve-express.ts", "33-serve-fastify.ts"])(
    "%s answers OpenAI's client and ends at SIGTERM",
    async (file) => {
      const application = execaNode(`examples/${file}`, [modelPath()], { cwd, nodeOptions, reject: false });
      const baseURL = (await heard(application.stdout, /http.*\n/)).trim();
      const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
      let text = "";
      for await (const { choices } of await client.completions.create({ ...request, stream: true })) {
        text += choices[0]!.text;
      }
      expect(text).toContain("Paris");
      application.kill("SIGTERM");
      const { exitCode, stderr } = await application;
      expect(stderr).toBe("");
      expect(exitCode).toBe(0);
    },
  );

  it("32-next-route answers a request of Next.js", async () => {
    process.env.ENGINE = modelPath();
    const { GET, POST } = await import("../../examples/32-next-route.ts");
    const url = "http://localhost/api/llm/v1";
    expect(await (await GET(new Request(`${url}/models`))).json()).toMatchObject({
      data: [{ id: "my-model" }],
    });
    const headers = { "content-type": "application/json" };
    const answer = await POST(
      new Request(`${url}/completions`, { method: "POST", headers, body: JSON.stringify(request) }),
    );
    expect(await answer.json()).toMatchObject({ choices: [{ text: expect.stringContaining("Paris") }] });
  });
});
