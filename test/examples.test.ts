import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { writePeftAdapter } from "./support/lora-adapter.ts";
import { modelPath } from "./support/model.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Runs an example as its first line says, and returns what it prints. */
async function run(example: string, ...further: readonly string[]): Promise<string> {
  const command = ["--import", "tsx", "--conditions=@trtllm-node/source", `examples/${example}`, modelPath()];
  command.push(...further);
  const { stdout, stderr } = await execa(process.execPath, command, { cwd: root });
  expect(stderr).toBe("");
  return stdout;
}

describe("examples", () => {
  it("01-generate continues a prompt", async () => {
    const lines = (await run("01-generate.ts")).split("\n");
    expect(lines[0]).toContain("Paris");
    expect(lines.at(-1)).toMatch(/^16 tokens, [\d.]+ a second$/);
  });

  it("02-stream prints two answers in turns", async () => {
    const lines = (await run("02-stream.ts")).split("\n");
    const speakers = lines.map((line) => line.split(" … ")[0]);
    expect(new Set(speakers)).toEqual(new Set(["Once upon a time", "The three primary colors are"]));
    const turns = speakers.filter((speaker, index) => speaker !== speakers[index - 1]);
    expect(turns.length).toBeGreaterThan(10);
    const story = lines.filter((line) => line.startsWith("Once")).map((line) => JSON.parse(line.slice(19)));
    expect(story.join("")).toMatch(/\w+ \w+ \w+/);
  });

  it("03-chat remembers what was said and reuses its KV blocks", async () => {
    const [, second = ""] = (await run("03-chat.ts")).split("> In which country is it?\n");
    expect(second).toMatch(/Paris.*(French|France)/);
    const [, cached] = second.match(/\((\d+) of \d+ prompt tokens/) ?? [];
    expect(Number(cached)).toBeGreaterThan(0);
  });

  it("04-sampling keeps a bad word out of an answer that else begins with it", async () => {
    const lines = (await run("04-sampling.ts")).split("\n");
    const answers = Object.fromEntries(lines.map((line) => line.split(/: (.*)/)));
    expect(JSON.parse(answers.greedy!)).toMatch(/^ Paris/);
    expect(JSON.parse(answers["no Paris"]!)).toMatch(/^(?! Paris).*\w/);
    expect(Object.keys(answers)).toHaveLength(4);
  });

  it("05-isolation answers after the engine's process was killed", async () => {
    const lines = (await run("05-isolation.ts")).split("\n");
    expect(lines[0]).toMatch(/^So far: /);
    const crash = lines.indexOf("ERR_EXECUTOR_CRASHED");
    expect(crash).toBeGreaterThan(0);
    expect(lines[crash + 1]).toContain("Paris");
  });

  it("07-shutdown lets two answers end after SIGTERM", async () => {
    expect(await run("07-shutdown.ts")).toBe("fulfilled\nfulfilled");
  });

  it("06-structured-output prints a document of the schema and a date", async () => {
    const [document = "", date = ""] = (await run("06-structured-output.ts")).split("\n");
    expect(JSON.parse(document)).toEqual({
      city: expect.any(String),
      country: expect.any(String),
      founded: expect.any(Number),
    });
    expect(date).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  });

  it("10-tools calls a function and answers with what it gave", async () => {
    const lines = (await run("10-tools.ts")).split("\n");
    expect(lines[0]).toBe('→ weather {"city":"Paris"}');
    expect(lines[1]).toMatch(/Paris.*sunny/);
  });

  it("11-session computes only what is new, also in a fork and when resumed", async () => {
    const output = await run("11-session.ts");
    const counts = [...output.matchAll(/(\d+) of (\d+) prompt tokens/g)].map(([, cached, all]) => [
      +cached!,
      +all!,
    ]);
    expect(counts).toHaveLength(4);
    // All but the last answer's unfinished block, the question and what surrounds it.
    for (const [cached, all] of counts.slice(1)) expect(all! - cached!).toBeLessThan(64);
    expect(output).toContain("resumed: In which country is it?");
  });

  it("12-pool asks two models, and swaps one without losing a request", async () => {
    const output = await run("12-pool.ts");
    expect(output).toMatch(/small: The capital of France is … " Paris/);
    expect(output).toMatch(/small: The capital of Italy is … ".*Rome/);
    expect(output.split("\n").slice(-2)).toEqual([
      expect.stringMatching(/^small: ready, 1 given$/),
      expect.stringMatching(/^large: ready, 1 given$/),
    ]);
  });

  it("13-rag computes the passages of its questions once", async () => {
    const output = await run("13-rag.ts");
    const cached = [...output.matchAll(/(\d+) of \d+ prompt tokens/g)].map(([, count]) => Number(count));
    expect(cached[0]).toBe(0);
    expect(cached[1]).toBeGreaterThanOrEqual(32);
    expect(cached[2]).toBeGreaterThanOrEqual(32);
    expect(output).toContain("Mara Quill");
  });

  it("14-summarize gets through all documents", async () => {
    const lines = (await run("14-summarize.ts")).split("\n");
    expect(lines.filter((line) => /^- \w/.test(line))).toHaveLength(6);
    expect(lines.at(-1)).toMatch(/^6 documents, first token after \d+ ms/);
  });

  it("15-extract gets typed objects, and shows one as it is written", async () => {
    const lines = (await run("15-extract.ts")).split("\n");
    expect(lines[0]).toMatch(/^ADA LOVELACE would be 210$/);
    expect(lines[1]).toBe("{}");
    expect(lines.at(-2)).toBe('{"name":"Alan Turing","born":1912}');
  });

  it("16-lora answers with an adapter and without, at once", async () => {
    const folder = await mkdtemp(join(tmpdir(), "example-lora-"));
    try {
      const lines = (await run("16-lora.ts", await writePeftAdapter(folder, { seed: 1 }))).split("\n");
      expect(lines[0]).toMatch(/^no adapter: ".*Paris/);
      expect(lines[1]).toMatch(/^mine: "/);
      expect(lines[1]!.slice(6)).not.toBe(lines[0]!.slice(12));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("17-speculative-decoding guesses most of a text that repeats the prompt", async () => {
    const [repeated = "", free = ""] = (await run("17-speculative-decoding.ts")).split("\n");
    const [, right, guessed] = repeated.match(/(\d+) of (\d+) guesses right: Repeat/) ?? [];
    expect(Number(right)).toBeGreaterThan(10);
    expect(Number(right)).toBeLessThanOrEqual(Number(guessed));
    expect(free).toMatch(/^\d+ tokens, \d+ of \d+ guesses right: Why/);
  });

  it("30-ai-sdk streams an answer and calls a tool", async () => {
    const output = await run("30-ai-sdk.ts");
    expect(output).toMatch(/Paris.*\(\d+ tokens in, \d+ out\)/s);
    expect(output).toContain('→ weather {"city":"Paris"}: sunny, 24 degrees\n');
    expect(output.split("\n").at(-1)).toMatch(/Paris.*sunny/);
  });

  it("30-langchain streams a chain, calls a tool and gets an object", async () => {
    const [streamed, call, answer, object] = (await run("30-langchain.ts")).split("\n");
    expect(streamed).toContain("Paris");
    expect(call).toBe('→ weather {"city":"Paris"}: sunny, 24 degrees');
    expect(answer).toMatch(/Paris.*sunny/);
    expect(object).toMatch(/^\{ name: '.+', born: \d+ \}$/);
  });

  it("35-queue-worker finishes its jobs, and answers who asks meanwhile", async () => {
    const lines = (await run("35-queue-worker.ts")).split("\n");
    expect(lines.filter((line) => /^job \d: (good|bad|neutral)$/.test(line))).toHaveLength(6);
    expect(lines.join("\n")).toMatch(/^asked meanwhile: .+, with [1-6] jobs left$/m);
    expect(lines.at(-1)).toMatch(/^6 jobs, /);
  });

  it("20-tokens takes a text apart and counts those of a book", async () => {
    const [pieces, book] = (await run("20-tokens.ts")).split("\n");
    expect(pieces!.replaceAll("|", "")).toBe("Grüße aus 東京 👩🏽‍🚀!");
    expect(pieces!.split("|").length).toBeGreaterThan(5);
    expect(book).toMatch(/^1060000 characters are \d{6} tokens$/);
  });

  it("kv-cache reuses the blocks of what two prompts have in common", async () => {
    const lines = (await run("kv-cache.ts")).split("\n");
    const [first, second] = lines.map((line) =>
      [...line.matchAll(/(\d+) (?:of \d+ blocks|whole ones)/g)].map((found) => Number(found[1])),
    );
    expect(first).toEqual([0, 0]);
    const [reused, expected] = second!;
    expect(expected).toBeGreaterThan(0);
    // The beginning of one more block is reused too.
    expect(reused! - expected!).toBeGreaterThanOrEqual(0);
    expect(reused! - expected!).toBeLessThanOrEqual(1);
    expect(lines[2]).toMatch(/^[1-9]\d* blocks cached, 0 in use, hit rate 0\.\d+$/);
  });

  it("40-traffic tells that prompts begin alike", async () => {
    const [count, lengths, shared] = (await run("40-traffic.ts")).split("\n");
    expect(count).toMatch(/^4 requests, [\d.]+ a second$/);
    expect(lengths).toMatch(/^prompts of \d+ to \d+ tokens$/);
    expect(shared).toMatch(/^[3-7]\d % of their tokens came before$/);
  });

  it("kv-sizing says what fits, and what a limit wastes", async () => {
    const lines = (await run("kv-sizing.ts")).split("\n");
    expect(lines[0]).toBe("float16: 149 requests of 2048 tokens, 305152 tokens in all");
    expect(lines[3]).toBe("fp8: 298 requests of 2048 tokens, 610336 tokens in all");
    expect(lines[6]).toMatch(/99 % end within 198\d tokens. With that limit 1\d\d fit instead of 9\.$/);
  });
});
