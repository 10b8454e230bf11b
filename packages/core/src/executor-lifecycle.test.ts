import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { modelPath } from "../../../test/support/model.ts";
import { DisposedError } from "./errors.ts";
import { Executor } from "./executor.ts";

const request = { tokens: [1, 2, 3], maxTokens: 200 };

/** Runs `body` in a process of its own, with an `executor` and eight `streams` that have begun. */
function inChild(
  body: string,
  flags: string[] = [],
): Promise<{ code: number | null; signal: string | null; output: string }> {
  const script = `
    import { Executor } from ${JSON.stringify(new URL("executor.ts", import.meta.url).href)};
    const create = () => Executor.create(${JSON.stringify(modelPath())});
    const start = (executor, maxTokens = 200) => Promise.all(Array.from({ length: 8 }, async () => {
      const stream = executor.submit({ tokens: [1, 2, 3], maxTokens });
      await stream[Symbol.asyncIterator]().next();
      return stream;
    }));
    ${body}`;
  const args = [
    ...flags,
    "--import",
    "tsx",
    "--conditions=@trtllm-node/source",
    "--input-type=module",
    "--eval",
    script,
  ];
  const cwd = fileURLToPath(new URL("../../..", import.meta.url));
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { cwd, timeout: 60_000 }, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, signal: child.signalCode, output: stdout + stderr });
    });
  });
}

test("After dispose every use is a DisposedError, and dispose may be called again.", async () => {
  const executor = await Executor.create(modelPath());
  const first = executor.dispose();
  expect(executor.dispose()).toBe(first);
  expect(() => executor.submit(request)).toThrow(DisposedError);
  await first;
  await executor.dispose();
  expect(() => executor.submit(request)).toThrow(DisposedError);
  expect(() => executor.iterationStats()).toThrow(DisposedError);
  expect(() => executor.vocabulary?.tokenize("text")).toThrow(DisposedError);
});

test("Dispose while eight requests run ends each as cancelled, with the tokens it made.", async () => {
  const executor = await Executor.create(modelPath());
  const streams = Array.from({ length: 8 }, () => executor.submit(request));
  await Promise.all(streams.map((stream) => stream[Symbol.asyncIterator]().next()));
  await executor.dispose();
  for (const { result } of streams) {
    const { finishReason, tokens } = await result;
    expect(finishReason).toBe("cancelled");
    expect(tokens.length).toBeGreaterThan(0);
  }
});

test("Executors come and go many times, two at once.", async () => {
  const options = { embedded: { threads: 1 } };
  for (let round = 0; round < 5; round++) {
    await using first = await Executor.create(modelPath(), options);
    await using second = await Executor.create(modelPath(), options);
    const results = await Promise.all(
      [first, second].map((executor) => executor.submit({ tokens: [1, 2, 3], maxTokens: 2 }).result),
    );
    expect(results[0]?.tokens).toEqual(results[1]?.tokens);
  }
});

test("An idle executor that nobody disposed does not keep the process alive.", async () => {
  const child = await inChild("const executor = await create(); console.log(executor.engine.format);");
  expect(child).toEqual({ code: 0, signal: null, output: "gguf\n" });
});

test("process.exit with requests in flight exits with its code and no signal.", async () => {
  const child = await inChild("await start(await create()); process.exit(7);");
  expect(child).toEqual({ code: 7, signal: null, output: "" });
});

test("A forgotten executor is freed, one with a running request is not.", async () => {
  const child = await inChild(
    `
    const forget = async () => new WeakRef(await create());
    const idle = await forget();
    const [stream] = await start(await create(), 16);
    while (idle.deref() !== undefined) {
      await new Promise(setImmediate); // deref keeps it for its turn
      gc();
    }
    console.log((await stream.result).finishReason);`,
    ["--expose-gc"],
  );
  expect(child).toEqual({ code: 0, signal: null, output: "length\n" });
});
