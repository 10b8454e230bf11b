import { describe, expect, it } from "vitest";
import { heard, runCli, runCliOnTerminal } from "../support/cli.ts";
import { modelPath } from "../support/model.ts";

const engine = modelPath();
const longAnswer = "Write a very long story about a dragon.\r";
const ctrlC = "\x03";

describe("trtllm-node chat", () => {
  it("answers each line of a piped stdin and remembers the ones before", async () => {
    const input = "The secret word is banana.\nWhat is the secret word?\n";
    const { exitCode, stdout, stderr } = await runCli(["chat", engine, "--max-tokens", "32"], { input });
    const [first, second] = stdout.split("\n");
    expect(first).toMatch(/\w/);
    expect(second).toContain("banana");
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
  });

  it("leaves at /exit without answering what comes after", async () => {
    const { exitCode, stdout } = await runCli(["chat", engine], { input: "/exit\nHello\n" });
    expect(stdout).toBe("");
    expect(exitCode).toBe(0);
  });

  it("reports a message that is too long and answers the next one", async () => {
    const input = `${"many words ".repeat(200)}\nHi\n`;
    const options = ["--max-sequence-tokens", "128", "--max-tokens", "8"];
    const { exitCode, stdout, stderr } = await runCli(["chat", engine, ...options], { input });
    expect(stderr).toMatch(/^error \[ERR_PROMPT_TOO_LONG\]: .*$/);
    expect(stdout).toMatch(/\w/);
    expect(exitCode).toBe(1);
  });

  it("stops the answer at the first Ctrl-C and quits at the second", async () => {
    const terminal = runCliOnTerminal(["chat", engine, "--max-tokens", "1500"]);
    await heard(terminal.stdout, /> /);
    terminal.stdin.write(longAnswer);
    await heard(terminal.stdout, /dragon\.\s+.*\w+ \w+/s);
    terminal.stdin.write(ctrlC);
    await heard(terminal.stdout, /> /);
    terminal.stdin.write(ctrlC);
    expect((await terminal).exitCode).toBe(0);
  });

  it("keeps talking after an answer was stopped", async () => {
    const terminal = runCliOnTerminal(["chat", engine, "--max-tokens", "1500"]);
    await heard(terminal.stdout, /> /);
    terminal.stdin.write(longAnswer);
    await heard(terminal.stdout, /dragon\.\s+.*\w+ \w+/s);
    terminal.stdin.write(ctrlC);
    await heard(terminal.stdout, /> /);
    terminal.stdin.write("/exit\r");
    expect((await terminal).exitCode).toBe(0);
  });
});
