import { LLM } from "@trtllm-node/runtime";
import { createHandler } from "@trtllm-node/server";
import type { LiveSeries, LiveSnapshot } from "@trtllm-node/telemetry";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listen } from "./server/listen.ts";
import { launchBrowser } from "./support/browser.ts";
import { modelPath } from "./support/model.ts";

const key = "a-key-of-sixteen-characters";
const llm = await LLM.load(modelPath(), {
  maxBatchSize: 3,
  requestStatsMaxIterations: 1,
  kvCache: { eventBufferMaxSize: 10_000 },
});
const handler = createHandler({ "my-model": llm }, { apiKeys: [key], basePath: "/llm" });
const site = await listen(handler);
const browser = await launchBrowser();
const page: Page = await browser.newPage({ locale: "en-US", viewport: { width: 1100, height: 1000 } });
const problems: string[] = [];

beforeAll(() => {
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    // Without a key the first answer is 401, which the console tells.
    if (message.type() === "error" && !message.text().includes("401")) problems.push(message.text());
  });
});
afterAll(async () => {
  await browser.close();
  await handler.close();
  await site[Symbol.asyncDispose]();
  await llm.dispose();
});

const patient = { timeout: 20_000 };
const authorization = { headers: { authorization: `Bearer ${key}` } };
const tile = (title: string) =>
  page.locator("#tiles div", { has: page.locator(`dt:text-is("${title}")`) }).locator("dd");

async function live(): Promise<LiveSnapshot> {
  return (await fetch(`${site.url}/llm/dashboard/live`, authorization)).json() as Promise<LiveSnapshot>;
}

async function highest(column: (series: LiveSeries) => number[]): Promise<number> {
  return Math.max(...column((await live()).models[0]!.series));
}

describe("the dashboard", () => {
  it("shows what the models do, live, once it has a key", async () => {
    const running = Array.from({ length: 5 }, (_, n) =>
      llm.stream(`Count to a thousand: ${n}, `, { maxTokens: 1500 }),
    );
    await page.goto(`${site.url}/llm/dashboard`);
    await page.getByLabel("API key").fill(key);
    await page.getByRole("button", { name: "Show" }).click();
    await page.locator("#status", { hasText: "live" }).waitFor();
    await expect.poll(() => tile("Running").textContent(), patient).toBe("3 of 3");
    await expect.poll(() => tile("Waiting").textContent(), patient).toMatch(/^2 of/);
    await expect.poll(() => page.locator("#rows tr").count(), patient).toBe(5);
    const stages = await page.locator("#rows td:nth-child(2)").allTextContents();
    expect(stages.sort()).toEqual(["answer", "answer", "answer", "waiting", "waiting"]);
    await expect.poll(() => highest((series) => series.running), patient).toBe(3);
    for (const stream of running) stream.cancel();
    await Promise.all(running.map(({ result }) => result));
    await expect.poll(() => page.locator("#rows tr").count(), patient).toBe(0);
    await expect.poll(() => tile("Running").textContent(), patient).toBe("0 of 3");
    expect(await page.locator("#engine").textContent()).toContain("my-model on ");
    // Every chart has drawn something other than its frame.
    expect(await page.locator("#charts canvas").count()).toBe(6);
    const { models } = (await (
      await fetch(`${site.url}/llm/dashboard/live`, authorization)
    ).json()) as LiveSnapshot;
    const { kvCache, tokens } = models[0]!;
    expect(await highest((series) => series.tokensPerSecond)).toBeGreaterThan(1);
    expect(await tile("Tokens in").textContent()).toContain(tokens.prompt.toLocaleString("en"));
    expect(await tile("Prefix hit rate").textContent()).toContain(`${(kvCache.hitRate * 100).toFixed(1)} %`);
    expect(problems).toEqual([]);
  });

  it("tells nothing without a key, and serves no other file", async () => {
    const get = (path: string) => fetch(`${site.url}/llm/dashboard${path}`);
    const response = await get("");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await response.text()).not.toContain("my-model");
    expect((await get("/live")).status).toBe(401);
    for (const path of ["/page.css.map", "/../index.ts", "/%2e%2e%2fpackage.json", "/uPlot.cjs.js"]) {
      expect([path, (await get(path)).status]).toEqual([
        path,
        expect.toSatisfy((status: number) => status >= 400),
      ]);
    }
  });
});
