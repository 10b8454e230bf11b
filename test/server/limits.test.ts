import { connect } from "node:net";
import { LLM } from "@trtllm-node/runtime";
import { createHandler, type Handler, type HandlerOptions } from "@trtllm-node/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modelPath } from "../support/model.ts";
import { listen } from "./listen.ts";

let llm: LLM;
beforeAll(async () => {
  llm = await LLM.load(modelPath(), { maxBatchSize: 1, maxQueueSize: 1 });
});
afterAll(() => llm?.dispose());

const key = "sk-a-key-of-this-test";

function post(handler: Handler, path: string, body: unknown, headers: Record<string, string> = {}) {
  const init = { "content-type": "application/json", ...headers };
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return handler(new Request(`http://localhost${path}`, { method: "POST", body: text, headers: init }));
}

/** A completion that streams until it is cancelled. */
const endless = { model: "m", prompt: "Once", max_tokens: 1500, ignore_eos: true, stream: true };
const short = { model: "m", prompt: "Once", max_tokens: 1 };
const create = (options: HandlerOptions = {}) => createHandler({ m: llm }, options);
const errorOf = async (response: Response) =>
  ((await response.json()) as { error: Record<string, unknown> }).error;

describe("who may ask", () => {
  it("lets in only those with a key, and never tells one", async () => {
    const handler = create({ apiKeys: ["sk-another-key-0001", key] });
    const none = await post(handler, "/v1/completions", short);
    expect(none.status).toBe(401);
    const wrong = await post(handler, "/v1/completions", short, { authorization: `Bearer ${key}x` });
    expect(wrong.status).toBe(401);
    const text = await wrong.text();
    expect(text).not.toContain(key);
    expect(JSON.parse(text)).toMatchObject({
      error: { type: "invalid_request_error", code: "invalid_api_key" },
    });
    const right = await post(handler, "/v1/completions", short, { authorization: `Bearer ${key}` });
    expect(right.status).toBe(200);
    expect((await handler(new Request("http://localhost/metrics"))).status).toBe(401);
    expect((await handler(new Request("http://localhost/health/live"))).status).toBe(200);
  });

  it("lets pages of other sites ask only where they are named", async () => {
    const preflight = new Request("http://localhost/v1/completions", {
      method: "OPTIONS",
      headers: { origin: "https://example.org", "access-control-request-method": "POST" },
    });
    const closed = await create({ apiKeys: [key] })(preflight.clone());
    expect(closed.headers.get("access-control-allow-origin")).toBeNull();
    const open = await create({ apiKeys: [key], corsOrigins: ["https://example.org"] })(preflight);
    expect(open.headers.get("access-control-allow-origin")).toBe("https://example.org");
  });

  it("takes no form of another site", async () => {
    const response = await post(create(), "/v1/completions", short, { "content-type": "text/plain" });
    expect(response.status).toBe(415);
  });
});

describe("by which name it may be reached", () => {
  it("refuses any other than the allowed ones, whatever the port", async () => {
    const handler = create({ allowedHosts: ["localhost", "[::1]"] });
    const statusOf = async (host: string) =>
      (await handler(new Request("http://localhost/health/live", { headers: { host } }))).status;
    expect(await Promise.all(["localhost:8000", "LOCALHOST", "[::1]:80"].map(statusOf))).toEqual([
      200, 200, 200,
    ]);
    expect(
      await Promise.all(["evil.example:8000", "localhost.evil.example", "127.0.0.1"].map(statusOf)),
    ).toEqual([403, 403, 403]);
  });
});

describe("how much may be asked", () => {
  it("refuses a body that is too large, said to be so or not", async () => {
    const handler = create({ maxBodyBytes: 100 });
    const said = await post(
      handler,
      "/v1/completions",
      { ...short, prompt: "x".repeat(200) },
      { "content-length": "232" },
    );
    expect(said.status).toBe(413);
    expect(await errorOf(said)).toMatchObject({ code: "request_too_large" });
    const body = new Blob([JSON.stringify({ ...short, prompt: "x".repeat(200) })]).stream();
    const headers = { "content-type": "application/json" };
    const unsaid = { method: "POST", body, headers, duplex: "half" } as RequestInit;
    expect((await handler(new Request("http://localhost/v1/completions", unsaid))).status).toBe(413);
  });

  it("limits the tokens of an answer", async () => {
    const handler = create({ maxTokens: 3 });
    const messages = [{ role: "user", content: "Tell me a story." }];
    const capped = await post(handler, "/v1/chat/completions", { model: "m", messages });
    expect(await capped.json()).toMatchObject({ usage: { completion_tokens: 3 } });
    const over = await post(handler, "/v1/chat/completions", {
      model: "m",
      messages,
      max_completion_tokens: 4,
    });
    expect(over.status).toBe(400);
    expect(await errorOf(over)).toMatchObject({
      param: "max_completion_tokens",
      code: "integer_above_max_value",
    });
  });

  it("limits how many requests of a key run at once, and lets the next in once one is gone", async () => {
    const handler = create({ apiKeys: [key, "sk-another-key-0001"], maxConcurrentPerKey: 1 });
    const authorization = `Bearer ${key}`;
    const running = await post(handler, "/v1/completions", endless, { authorization });
    const second = await post(handler, "/v1/completions", short, { authorization });
    expect(second.status).toBe(429);
    expect(second.headers.get("retry-after")).toBe("1");
    expect(await errorOf(second)).toMatchObject({ code: "rate_limit_exceeded" });
    await running.body!.cancel();
    const third = await post(handler, "/v1/completions", short, { authorization });
    expect(third.status).toBe(200);
  });

  it("answers 429 where the executor's queue is full", async () => {
    const handler = create();
    const running = await post(handler, "/v1/completions", endless);
    const statuses: number[] = [];
    const asked = Array.from({ length: 3 }, async () => {
      statuses.push((await post(handler, "/v1/completions", short)).status);
    });
    await expect.poll(() => statuses).toEqual([429, 429]);
    await running.body!.cancel();
    await Promise.all(asked);
    expect(statuses).toEqual([429, 429, 200]);
  });
});

describe("what is not offered", () => {
  it.each([
    [
      "/v1/responses",
      { input: "a", previous_response_id: "resp_1" },
      "previous_response_id",
      "unsupported_parameter",
    ],
    ["/v1/responses", { input: "a", store: true }, "store", "unsupported_parameter"],
    ["/v1/chat/completions", { messages: [] }, "messages", "empty_array"],
    ["/v1/chat/completions", {}, "messages", "missing_required_parameter"],
    [
      "/v1/chat/completions",
      { messages: [{ role: "robot", content: "x" }] },
      "messages[0].role",
      "invalid_value",
    ],
    [
      "/v1/chat/completions",
      { messages: [{ role: "user", content: 5 }] },
      "messages[0].content",
      "invalid_value",
    ],
    [
      "/v1/chat/completions",
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }] },
      "messages[0].content[0].type",
      "invalid_value",
    ],
    ["/v1/completions", { prompt: "a", temperature: "hot" }, "temperature", "invalid_type"],
    ["/v1/completions", { prompt: "a", n: 0 }, "n", "integer_below_min_value"],
    ["/v1/completions", { prompt: "a", suffix: "b" }, "suffix", "unsupported_parameter"],
    ["/v1/completions", { prompt: "a", stream_options: {} }, "stream_options", "invalid_value"],
    ["/v1/completions", { prompt: [999_999_999] }, null, "invalid_value"],
    ["/v1/completions", { prompt: "a", logit_bias: { 999999999: 1 } }, null, "invalid_value"],
  ])("%s with %j is refused, and %s is named", async (path, body, param, code) => {
    const response = await post(create(), path, { model: "m", ...body });
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toEqual({
      message: expect.any(String),
      type: "invalid_request_error",
      param,
      code,
    });
  });

  it("tells of a body that is no JSON, an unknown address and a wrong method", async () => {
    const handler = create();
    expect((await post(handler, "/v1/completions", "{")).status).toBe(400);
    expect((await post(handler, "/v1/completions", "5")).status).toBe(400);
    const unknown = await post(handler, "/v1/nothing", {});
    expect(unknown.status).toBe(404);
    expect(await errorOf(unknown)).toMatchObject({ code: "unknown_url" });
    const method = await handler(new Request("http://localhost/v1/completions"));
    expect(method.status).toBe(405);
    expect(method.headers.get("allow")).toBe("POST");
  });

  it("ignores fields that nobody knows", async () => {
    expect((await post(create(), "/v1/completions", { ...short, surprise: true })).status).toBe(200);
  });
});

describe("the other routes", () => {
  it("tokenizes and detokenizes", async () => {
    const handler = create();
    const tokens = (await (await post(handler, "/tokenize", { prompt: "Grüße aus 東京" })).json()) as {
      count: number;
      tokens: number[];
    };
    expect(tokens.count).toBe(await llm.countTokens("Grüße aus 東京"));
    const text = await post(handler, "/detokenize", { model: "m", tokens: tokens.tokens });
    expect(await text.json()).toEqual({ prompt: "Grüße aus 東京" });
  });

  it("says why it has no embeddings", async () => {
    const response = await post(create(), "/v1/embeddings", { model: "m", input: ["a", "b"] });
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({
      message: expect.stringContaining("Embeddings are not supported"),
      code: "unsupported_value",
    });
  });

  it("shares cached prompts only among those who give the same salt", async () => {
    const prompt = `${"All work and no play. ".repeat(20)}Go on.`;
    const cached = async (cache_salt?: string) => {
      const response = await post(create(), "/v1/completions", { ...short, prompt, cache_salt });
      const { usage } = (await response.json()) as {
        usage: { prompt_tokens_details: { cached_tokens: number } };
      };
      return usage.prompt_tokens_details.cached_tokens > 0;
    };
    expect([await cached("a"), await cached("b"), await cached("a"), await cached()]).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });

  it("lies under a path of the application", async () => {
    const handler = create({ basePath: "/api/llm" });
    expect((await post(handler, "/api/llm/v1/completions", short)).status).toBe(200);
    expect((await post(handler, "/v1/completions", short)).status).toBe(404);
    expect((await handler(new Request("http://localhost/api/llm/health/ready"))).status).toBe(200);
  });

  it("tells Prometheus what happened, in its text format", async () => {
    const handler = create({ metricsPrefix: "vllm:" });
    await post(handler, "/v1/completions", { ...short, max_tokens: 3, ignore_eos: true });
    const response = await handler(new Request("http://localhost/metrics"));
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    const lines = (await response.text()).split("\n");
    expect(lines).toContain('vllm:generation_tokens_total{model_name="m"} 3');
    expect(lines).toContain('vllm:request_success_total{model_name="m",finished_reason="length"} 1');
    expect(lines).toContain('vllm:time_to_first_token_seconds_count{model_name="m"} 1');
    expect(lines).toContain('vllm:inter_token_latency_seconds_count{model_name="m"} 2');
    expect(lines).toContain('vllm:num_requests_running{model_name="m"} 0');
    expect(lines).toContain(`vllm:kv_cache_max_blocks{model_name="m"} ${llm.engine.kvBlocks}`);
    // Every line is a comment or a sample.
    const sample = /^[a-zA-Z_:][\w:]*\{(\w+="[^"]*",?)+\} (\d+(\.\d+)?(e[+-]?\d+)?|\+Inf)$/;
    expect(lines.filter((line) => line !== "" && !line.startsWith("# ") && !sample.test(line))).toEqual([]);
  });
});

describe("a client that goes away", () => {
  it.each([true, false])("ends its request within a step, streaming: %s", async (stream) => {
    await using server = await listen(create());
    const outcome = new Promise((resolve) => {
      const end = llm.observe((record) => {
        end();
        resolve(record.outcome);
      });
    });
    const body = JSON.stringify({ ...endless, stream });
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    socket.write(
      "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    if (stream) await new Promise((resolve) => socket.once("data", resolve));
    else await expect.poll(() => llm.metrics().requests.active).toBe(1);
    socket.destroy();
    expect(await outcome).toBe("aborted");
    expect(llm.metrics().requests.active).toBe(0);
  });
});

describe("close", () => {
  it("lets what runs end, and nothing in", async () => {
    const handler = create();
    const running = await post(handler, "/v1/completions", { ...endless, max_tokens: 20 });
    let closed = false;
    const closing = handler.close().then(() => {
      closed = true;
    });
    const ready = await handler(new Request("http://localhost/health/ready"));
    expect(ready.status).toBe(503);
    expect((await handler(new Request("http://localhost/health/live"))).status).toBe(200);
    expect((await post(handler, "/v1/completions", short)).status).toBe(503);
    expect(closed).toBe(false);
    expect(await running.text()).toMatch(/"finish_reason":"length".*\n\ndata: \[DONE\]\n\n$/s);
    await closing;
  });
});
