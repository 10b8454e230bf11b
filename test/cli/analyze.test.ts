import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { runCli } from "../support/cli.ts";

let folder: string;
let traffic: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "analyze-"));
  traffic = join(folder, "traffic.jsonl");
  const lines = Array.from({ length: 300 }, (_, index) => ({
    arrivalMs: index * 250,
    promptTokens: 100 + ((index * 37) % 400),
    completionTokens: 10 + (index % 50),
    maxTokens: 200,
    outcome: index % 10 === 0 ? "length" : "end",
    queueMs: 2,
    timeToFirstTokenMs: 40 + (index % 100),
    interTokenMs: 8,
    totalMs: 400 + (index % 90),
    blockTokens: 64,
    prefixBlocks: [1, 2 + (index % 3)],
  }));
  await writeFile(traffic, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
});
afterAll(() => rm(folder, { recursive: true }));

test("traffic is described to people, and judged by a service level", async () => {
  const { stdout, stderr, exitCode } = await runCli(["analyze", traffic, "--ttft", "100"]);
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^requests +300$/m);
  expect(stdout).toMatch(/^arrivals +4 a second, at most 4 within one; burstiness 0 /m);
  expect(stdout).toMatch(/^first token +p50 89 \(\d+ to \d+\), p90 129 .*, p99 too few, at most 139 ms$/m);
  expect(stdout).toMatch(/^good +183 of 300 \(61 %\)/m);
  expect(exitCode).toBe(0);
});

test("to programs, and as a trace for other tools", async () => {
  const trace = join(folder, "trace.jsonl");
  const { stdout } = await runCli(["analyze", traffic, "--json", "--warm-up", "50", "--mooncake", trace]);
  expect(JSON.parse(stdout)).toMatchObject({ requests: 100, outcomes: { end: 90, length: 10 } });
  expect(JSON.parse((await readFile(trace, "utf8")).split("\n")[0]!)).toEqual({
    timestamp: 0,
    input_length: 100,
    output_length: 10,
    hash_ids: [],
  });
});

test("a file of another kind is refused in one line", async () => {
  const { stdout, stderr, exitCode } = await runCli(["analyze", "package.json"]);
  expect(stderr).toMatch(
    /^error \[ERR_TRAFFIC_INVALID\]: package\.json begins as no kind of traffic file.*$/,
  );
  expect(stdout).toBe("");
  expect(exitCode).toBe(1);
});

test("the report is one page that loads nothing and shows every chart, on a phone too", async () => {
  const html = join(folder, "report.html");
  await runCli(["analyze", traffic, "--html", html]);
  await using browser = await launchBrowser();
  const page = await browser.newPage({ viewport: { width: 390, height: 800 } });
  const requested: string[] = [];
  const errors: string[] = [];
  page.on("request", (request) => requested.push(request.url()));
  page.on("console", (message) => errors.push(message.text()));
  await page.goto(`file://${html}`);
  expect(requested).toEqual([`file://${html}`]);
  expect(errors).toEqual([]);
  const titles = await page.locator("figcaption").allTextContents();
  expect(titles).toEqual([
    "Arrivals over time",
    "Requests at once",
    "How they ended",
    "Prompts",
    "Answers",
    "Both",
    "What a cache finds",
  ]);
  for (const figure of await page.locator("figure").all()) {
    const box = (await figure.boundingBox())!;
    expect(box.width).toBeLessThanOrEqual(390);
    expect(await figure.locator("rect, polyline").count()).toBeGreaterThan(0);
  }
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
});
