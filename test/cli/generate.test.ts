import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { heard, runCli } from "../support/cli.ts";
import { modelPath } from "../support/model.ts";

const engine = modelPath();
const prompt = "The capital of France is";
const brief = ["--max-tokens", "8"];
const endless = ["--max-tokens", "1500"];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "trtllm-node-cli-"));
});

afterAll(() => rm(folder, { recursive: true }));

describe("trtllm-node generate", () => {
  it("prints the continuation of the prompt and nothing else", async () => {
    const { exitCode, stdout, stderr } = await runCli(["generate", engine, prompt, ...brief]);
    expect(stdout).toContain("Paris");
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
  });

  it("prints one JSON object with text, usage and timings", async () => {
    const { stdout } = await runCli(["generate", engine, prompt, ...brief, "--json"]);
    const answer = JSON.parse(stdout);
    expect(answer).toMatchObject({
      finishReason: "length",
      usage: { promptTokens: 5, completionTokens: 8 },
      timings: { totalMs: expect.any(Number), timeToFirstTokenMs: expect.any(Number) },
    });
    expect(answer.text).toContain("Paris");
  });

  it("prints the timings to stderr when asked to", async () => {
    const { stdout, stderr } = await runCli(["generate", engine, prompt, ...brief, "--stats"]);
    expect(stdout).toContain("Paris");
    expect(stderr).toMatch(/prompt +5 tokens/);
    expect(stderr).toMatch(/total +[\d.]+ ms, [\d.]+ tokens\/s/);
  });

  it("gives the same answer to a prompt from an argument, from stdin and from a file", async () => {
    const file = join(folder, "prompt.txt");
    await writeFile(file, `${prompt}\n`);
    const command = ["generate", engine, ...brief];
    const { stdout } = await runCli([...command, prompt]);
    expect((await runCli(command, { input: `${prompt}\n` })).stdout).toBe(stdout);
    expect((await runCli([...command, "--prompt-file", file])).stdout).toBe(stdout);
  });

  it("repeats a sampled answer when the seed is the same", async () => {
    const sampled = ["generate", engine, prompt, ...brief, "--temperature", "1.2", "--seed", "7"];
    const { stdout } = await runCli(sampled);
    expect((await runCli(sampled)).stdout).toBe(stdout);
  });

  it("names an engine that does not exist, in one line", async () => {
    const { exitCode, stdout, stderr } = await runCli(["generate", "no-such.gguf", prompt]);
    expect(stderr).toMatch(/^error \[ERR_ENGINE_NOT_FOUND\]: .*no-such\.gguf.*$/);
    expect(stdout).toBe("");
    expect(exitCode).toBe(1);
  });

  it("says of a file that is no engine that it is corrupt", async () => {
    const file = join(folder, "broken.gguf");
    await writeFile(file, "this is not a model");
    const { exitCode, stderr } = await runCli(["generate", file, prompt]);
    expect(stderr).toMatch(/^error \[ERR_ENGINE_CORRUPT\]: .*$/);
    expect(exitCode).toBe(1);
  });

  it("refuses a prompt file that cannot be read", async () => {
    const { exitCode, stderr } = await runCli([
      "generate",
      engine,
      "--prompt-file",
      join(folder, "none.txt"),
    ]);
    expect(stderr).toMatch(/^error \[ERR_INVALID_CONFIG\]: --prompt-file .*none\.txt could not be read/);
    expect(exitCode).toBe(1);
  });

  it.each([
    ["--max-tokens", "many", "Expected a whole number of at least 1."],
    ["--temperature", "-1", "Expected a number of at least 0."],
    ["--top-p", "1.5", "Expected a number from 0 to 1."],
  ])("refuses %s %s with the range", async (option, value, message) => {
    const { exitCode, stderr } = await runCli(["generate", engine, prompt, option, value]);
    expect(stderr).toContain(option);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(1);
  });

  it("stops at Ctrl-C with exit code 130", async () => {
    const child = runCli(["generate", engine, "Once upon a time", ...endless]);
    await heard(child.stdout, /\w/);
    child.kill("SIGINT");
    const { exitCode, stderr } = await child;
    expect(exitCode).toBe(130);
    expect(stderr).toBe("");
  });

  it("ends quietly when its reader goes away", async () => {
    const child = runCli(["generate", engine, "Once upon a time", ...endless]);
    await heard(child.stdout, /\w/);
    child.stdout.destroy();
    const { exitCode, stderr } = await child;
    expect(exitCode).toBe(0);
    expect(stderr).toBe("");
  });
});
