import { LLM } from "@trtllm-node/runtime";
import { createHandler } from "@trtllm-node/server";
import { afterAll, describe, expect, it } from "vitest";
import { listen } from "../server/listen.ts";
import { heard, runCli, runCliOnTerminal } from "../support/cli.ts";
import { modelPath } from "../support/model.ts";

const llm = await LLM.load(modelPath(), { maxBatchSize: 2, requestStatsMaxIterations: 1 });
const handler = createHandler({ "my-model": llm });
const site = await listen(handler);
afterAll(async () => {
  await handler.close();
  await site[Symbol.asyncDispose]();
  await llm.dispose();
});

describe("trtllm-node top", () => {
  it("prints one screen of what a server does where nobody watches", async () => {
    const { usage } = await llm.generate("The capital of France is", { maxTokens: 4 });
    const { stdout, stderr, exitCode } = await runCli(["top", site.url]);
    expect([stderr, exitCode]).toEqual(["", 0]);
    const { blocks } = llm.kvCache.stats();
    expect(stdout).toContain("my-model on ");
    expect(stdout).toMatch(/^requests {7}0 of 2 running, 0 waiting, 0 failed or refused/m);
    expect(stdout).toContain(`] 0.0 %, 0 of ${blocks.total} blocks`);
    expect(stdout).toMatch(/^first token {4}p50 [\d.]+ ms, p99 [\d.]+ ms/m);
    expect(stdout).toContain(`${usage.promptTokens} in (0 cached), 4 out, `);
    const json = await runCli(["top", site.url, "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ models: [{ name: "my-model", load: { maxBatch: 2 } }] });
  });

  it("watches on a terminal, shows each request, and leaves the screen as it was at q", async () => {
    const running = Array.from({ length: 3 }, () => llm.stream("Count: 1, 2, 3,", { maxTokens: 1500 }));
    const top = runCliOnTerminal(["top", site.url, "--interval", "200"]);
    const screen = await heard(
      top.stdout,
      /2 of 2 running, 1 waiting.*(answer.*){2}waiting.*(\d+ of 2 running.*){2}/s,
    );
    expect(screen).toContain("\u001b[?1049h");
    const closing = heard(top.stdout, /\[\?25h.\[\?1049l/);
    top.stdin.write("q");
    await closing;
    expect((await top).exitCode).toBe(0);
    for (const stream of running) stream.cancel();
    await Promise.all(running.map(({ result }) => result));
  });

  it("says where nothing answers, and what else does", async () => {
    const nobody = await runCli(["top", "http://127.0.0.1:9"]);
    expect(nobody.stderr).toMatch(
      /^error \[ERR_INVALID_CONFIG\]: http:\/\/127\.0\.0\.1:9\/dashboard\/live does not answer/,
    );
    const other = await runCli(["top", `${site.url}/elsewhere`, "--once"]);
    expect(other.stderr).toMatch(/answers with status 404/);
    expect([nobody.exitCode, other.exitCode]).toEqual([1, 1]);
  });
});
