import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { LLM } from "@trtllm-node/runtime";
import { createHandler } from "@trtllm-node/server";
import { expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { modelPath } from "../support/model.ts";

const small = ["--requests", "12", "--prompt-tokens", "16", "--new-tokens", "4"];

test("two settings of an engine are measured side by side", async () => {
  const { stdout, stderr } = await runCli([
    ...["bench", modelPath(), ...small, "--concurrency", "3"],
    ...["--max-batch-size", "2", "--max-sequence-tokens", "128", "--compare", "maxBatchSize=1"],
    ...["--total", "60000"],
  ]);
  expect(stderr).toBe("");
  expect(stdout).toMatch(/maxBatchSize=1$/m);
  expect(stdout).toMatch(/^requests +12 +12$/m);
  expect(stdout).toMatch(/^tokens\/s +[\d.]+ +[\d.]+$/m);
  expect(stdout).toMatch(/^first token, p99, ms +too few +too few$/m);
  expect(stdout).toMatch(/^good requests\/s +[\d.]+ \(/m);
});

test("a server is measured over HTTP, with as many tokens as were asked of it", async () => {
  await using llm = await LLM.load(modelPath(), { maxBatchSize: 2, embedded: { maxSequenceTokens: 128 } });
  const server = createAdaptorServer({ fetch: createHandler({ smol: llm }) });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const { stdout, stderr } = await runCli(["bench", url, ...small, "--rate", "50", "--json"]);
    expect(stderr).toBe("");
    const [{ name, summary }] = JSON.parse(stdout);
    expect(name).toBe(url);
    expect(summary).toMatchObject({ requests: 12, failed: 0, errors: {} });
    expect(Math.round((summary.tokensPerSecond * summary.durationMs) / 1000)).toBe(12 * 4);
    expect(llm.metrics().tokens.completion).toBe(12 * 4);
    const wrong = await runCli(["bench", url, ...small, "--model", "other", "--json"]);
    expect(JSON.parse(wrong.stdout)[0].summary).toMatchObject({ failed: 12, errors: { http_404: 12 } });
  } finally {
    server.close();
  }
});

test("what contradicts itself is refused before anything is loaded", async () => {
  const loops = await runCli(["bench", "none.gguf", "--rate", "3", "--concurrency", "2"]);
  expect(loops.stderr).toMatch(/^error \[ERR_INVALID_REQUEST\]: --concurrency is a closed loop/);
  const level = await runCli(["tune", "none.gguf", "none.jsonl"]);
  expect(level.stderr).toMatch(/^error \[ERR_INVALID_REQUEST\]: Say what a good request is/);
  expect([loops.exitCode, level.exitCode]).toEqual([1, 1]);
});
