import { AbortedError } from "@trtllm-node/core";
import { describe, expect, it } from "vitest";
import { ToolError } from "../errors.ts";
import { commandLine, runTool } from "./run-tool.ts";

/** Runs a program of Node, given as text. */
function node(
  program: string,
  { signal, onLine = () => {} }: { signal?: AbortSignal; onLine?: (line: string) => void } = {},
) {
  return runTool({ command: process.execPath, args: ["-e", program], cwd: ".", signal, onLine });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves once the process has ended; it is no child of ours, so there is no event to wait for. */
async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe("runTool", () => {
  it("hands over every line of stdout and stderr", async () => {
    const lines: string[] = [];
    await node('console.log("a\\nb"); console.error("c")', { onLine: (line) => lines.push(line) });
    expect(lines.sort()).toEqual(["a", "b", "c"]);
  });

  it.each([
    [
      "console.error('Traceback (most recent call last):\\nRuntimeError: CUDA out of memory\\n\\n'); process.exit(1)",
      /exit code 1\. It said: RuntimeError: CUDA out of memory$/,
    ],
    [
      "console.error('usage: x\\ntrtllm-build: error: unrecognized arguments: --x'); process.exit(2)",
      /exit code 2\. It said: trtllm-build: error: unrec/,
    ],
    ["console.log('nothing of interest'); process.exit(3)", /exit code 3\. It said: nothing of interest$/],
    ["process.exit(4)", /exit code 4\. It said nothing\.$/],
    ["process.kill(process.pid, 'SIGKILL')", /ended by SIGKILL\. .*out of memory/],
    ["process.abort()", /ended by SIGABRT/],
  ])("says why it failed: %s", async (program, message) => {
    const failure = await node(program).catch((error) => error);
    expect(failure).toBeInstanceOf(ToolError);
    expect(failure).toMatchObject({ code: "ERR_BUILD_FAILED", message: expect.stringMatching(message) });
  });

  it("keeps the end of the output, and no more", async () => {
    const failure = await node("for (let i = 0; i < 1000; i++) console.log(i); process.exitCode = 1").catch(
      (error) => error,
    );
    expect(failure.lastLines).toHaveLength(40);
    expect(failure.lastLines.at(-1)).toBe("999");
  });

  it("says that a tool is not there", async () => {
    const run = runTool({ command: "no-such-tool", args: [], cwd: ".", onLine: () => {} });
    await expect(run).rejects.toMatchObject({
      code: "ERR_TOOL_NOT_FOUND",
      message: /no-such-tool is not there/,
    });
  });

  it("gives the arguments to the tool as they are: there is no shell", async () => {
    const lines: string[] = [];
    const args = ["-p", "process.argv[1]", "$(touch /tmp/never); `x` \"'"];
    await runTool({ command: process.execPath, args, cwd: ".", onLine: (line) => lines.push(line) });
    expect(lines).toEqual(["$(touch /tmp/never); `x` \"'"]);
  });

  const withWorker = (more: string) => `
    ${more}
    const worker = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    console.log(worker.pid);
    setInterval(() => {}, 1000);`;

  it("ends the tool and its workers when it is aborted", async () => {
    const controller = new AbortController();
    let worker = 0;
    const onLine = (line: string) => {
      worker = Number(line);
      controller.abort(new Error("enough"));
    };
    const run = node(withWorker(""), { signal: controller.signal, onLine });
    await expect(run).rejects.toThrow(AbortedError);
    await gone(worker);
  });

  it("kills what does not end when it is asked to", async () => {
    const controller = new AbortController();
    const run = node(withWorker("process.on('SIGTERM', () => {});"), {
      signal: controller.signal,
      onLine: () => controller.abort(),
    });
    await expect(run).rejects.toThrow(AbortedError);
  });

  it("leaves no worker behind when the tool has ended", async () => {
    let worker = 0;
    const program = `${withWorker("")} worker.unref(); process.exit(0);`;
    await node(program, {
      onLine: (line) => {
        worker = Number(line);
      },
    });
    await gone(worker);
  });

  it("does not start when it is aborted before", async () => {
    await expect(node("", { signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
  });
});

describe("commandLine", () => {
  it("quotes what a shell would take apart", () => {
    expect(commandLine("trtllm-build", ["--output_dir", "/a b/it's", "--x=1"])).toBe(
      "trtllm-build --output_dir '/a b/it'\\''s' --x=1",
    );
  });
});
