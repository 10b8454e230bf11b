/** What the process around an executor may do: end in any way, collect garbage, have workers, be bundled. */
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Ended, inChild, runNode } from "./support/child.ts";
import {
  type SyntheticEngine,
  type SyntheticScript,
  syntheticEngine,
  syntheticLibrary,
  syntheticPrompt,
} from "./support/synthetic.ts";

const core = fileURLToPath(new URL("../packages/core", import.meta.url));
const workers = fileURLToPath(new URL("fixtures/workers.mjs", import.meta.url));
const platformPackage = `@trtllm-node/${process.platform}-${process.arch}`;
/** An application with the published packages in its node_modules, and nothing of this workspace around it. */
let application: string;
let engine: SyntheticEngine;

beforeAll(async () => {
  application = await mkdtemp(join(tmpdir(), "application-"));
  engine = syntheticEngine({ stepDelayMs: 1 });
  const modules = join(application, "node_modules");
  const installed = join(modules, "@trtllm-node/core");
  await cp(join(core, "dist"), join(installed, "dist"), { recursive: true });
  await cp(join(core, "package.json"), join(installed, "package.json"));
  const { dependencies } = JSON.parse(await readFile(join(core, "package.json"), "utf8"));
  for (const name of Object.keys(dependencies)) {
    await symlink(await realpath(join(core, "node_modules", name)), join(modules, name));
  }
  const library = join(modules, platformPackage, "lib");
  await mkdir(library, { recursive: true });
  await writeFile(
    join(library, "../package.json"),
    JSON.stringify({ name: platformPackage, version: "0.1.0" }),
  );
  await cp(syntheticLibrary, join(library, "libtrtllm_shim.so"));
  await cp(join(syntheticLibrary, "../trtllm-host"), join(library, "trtllm-host"));
});

afterAll(async () => {
  engine[Symbol.dispose]();
  await rm(application, { recursive: true });
});

/** Writes a program into the application, and runs it there. */
async function inApplication(name: string, source: string): Promise<Ended> {
  const path = join(application, name);
  await writeFile(path, source);
  return runNode([path, engine.path], { cwd: application });
}

const answer = (options = "{}") => `
  const executor = await Executor.create(process.argv.at(-1), ${options});
  const { tokens } = await executor.submit({ tokens: [1], maxTokens: 3 }).result;
  await executor.dispose();
  console.log(tokens.join());`;

/** A program with an executor that gives each request a token a millisecond. */
function program(body: string, script: SyntheticScript = { stepDelayMs: 1 }): string {
  return `
    import { Executor } from "@trtllm-node/core";
    import { syntheticEngine, syntheticLibrary } from "./test/support/synthetic.ts";
    const engine = syntheticEngine(${JSON.stringify(script)});
    process.on("exit", () => engine[Symbol.dispose]());
    const create = () => Executor.create(engine.path, { libraryPath: syntheticLibrary });
    const endless = { tokens: [${syntheticPrompt.endless}], maxTokens: 100 };
    const executor = await create();
    ${body}`;
}

test("A stream that nobody holds any more is cancelled; one whose result is awaited is not.", async () => {
  const child = await inChild(
    program(`
      const forget = (use) => use(executor.submit(endless));
      forget(() => {});
      forget((stream) => stream[Symbol.asyncIterator]());
      forget((stream) => stream[Symbol.asyncIterator]().next());
      const kept = forget((stream) => stream.result);
      const loop = (async () => { for await (const _ of executor.submit(endless)); })();
      const active = () => executor.iterationStats().at(-1)?.numActiveRequests;
      for (let count = active(); count !== 2; count = active() ?? count) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        gc();
      }
      console.log("two are left");
      let ended = false;
      void Promise.race([kept, loop]).then(() => { ended = true; });
      await new Promise((resolve) => setTimeout(resolve, 50));
      console.log(ended);
      process.exit();`),
    ["--expose-gc"],
  );
  expect(child).toEqual({ code: 0, signal: null, output: "two are left\nfalse\n" });
});

test("A million tokens that nobody reads take a few megabytes, and hold up no other request.", async () => {
  const script = { tokensPerResponse: 1000, maxSequenceTokens: 2_000_000, vocabulary: false };
  const child = await inChild(
    program(
      `
      const before = process.memoryUsage().rss;
      const unread = executor.submit({ tokens: [1], maxTokens: 1_000_000 });
      const read = executor.submit({ tokens: [1], maxTokens: 1_000_000 });
      let count = 0;
      for await (const { tokens } of read) count += tokens.length;
      const { finishReason } = await unread.result;
      console.log(count, finishReason, process.memoryUsage().rss - before < 64 * 2 ** 20);
      await executor.dispose();`,
      script,
    ),
  );
  expect(child).toEqual({ code: 0, signal: null, output: "1000000 length true\n" });
});

test("Thousands of requests, and of texts to tokenize, are taken at once; koffi's limit of 256 calls is not met.", async () => {
  const child = await inChild(
    program(
      `
      const all = Array.from({ length: 3000 });
      const streams = all.map((_, index) => executor.submit({ tokens: [index % 800], maxTokens: 2 }));
      const texts = all.map((_, index) => executor.vocabulary.tokenizeAsync("x".repeat(index % 100)));
      const results = await Promise.all(streams.map(({ result }) => result));
      console.log(new Set(results.map(({ finishReason }) => finishReason)));
      console.log((await Promise.all(texts)).every((tokens, index) => tokens.length === 1 + index % 100));
      const cut = all.map(() => executor.vocabulary.tokenizeAsync("x").catch(({ code }) => code));
      await executor.dispose();
      console.log((await Promise.all(cut)).at(-1));`,
      {},
    ),
  );
  const output = "Set(1) { 'length' }\ntrue\nERR_DISPOSED\n";
  expect(child).toEqual({ code: 0, signal: null, output });
});

test("An idle executor does not keep the process alive; running requests do until they end.", async () => {
  expect(await inChild(program(""))).toEqual({ code: 0, signal: null, output: "" });
  const report = "result.then(({ finishReason }) => console.log(finishReason))";
  const child = await inChild(program(`executor.submit({ tokens: [1], maxTokens: 20 }).${report};`));
  expect(child).toEqual({ code: 0, signal: null, output: "length\n" });
});

test.each([
  ["process.exit with requests in flight", "process.exit(7)", { code: 7, signal: null }],
  ["an uncaught exception", "throw new Error('the application failed')", { code: 1, signal: null }],
  ["an unhandled rejection", "void Promise.reject(new Error('forgotten'))", { code: 1, signal: null }],
  ["SIGTERM without a handler", "process.kill(process.pid, 'SIGTERM')", { code: null, signal: "SIGTERM" }],
])("%s ends the process as it would without an executor.", async (_, end, expected) => {
  const child = await inChild(
    program(`
      await executor.submit(endless)[Symbol.asyncIterator]().next();
      for (let count = 0; count < 8; count++) executor.submit(endless);
      ${end};
      await new Promise((resolve) => setTimeout(resolve, 60_000));`),
  );
  expect(child).toMatchObject(expected);
});

test("On SIGTERM an application lets its requests end, and exits.", async () => {
  const child = await inChild(
    program(`
      const inFlight = [5, 60].map((maxTokens) => executor.submit({ tokens: [1], maxTokens }).result);
      process.once("SIGTERM", async () => {
        const results = await Promise.all(inFlight);
        await executor.dispose();
        console.log(results.map(({ finishReason, tokens }) => finishReason + tokens.length).join());
      });
      process.kill(process.pid, "SIGTERM");`),
  );
  expect(child).toEqual({ code: 0, signal: null, output: "length5,length60\n" });
});

test.each([
  [
    "In workers each has an executor of its own, and they end by themselves.",
    "streams",
    0,
    "50,50,50 0,0,0 length",
  ],
  ["process.exit in a worker, with its executor running, ends that worker only.", "exit", 0, " 3 length"],
  [
    "A worker that is terminated with its executor running takes nobody with it, and its engine is freed.",
    "terminate",
    0,
    "running 1 length",
  ],
  ["process.exit while executors run in workers ends the process.", "main-exit", 5, ""],
])("%s", async (_, mode, code, output) => {
  const child = await runNode([workers, mode, engine.path, syntheticLibrary]);
  expect(child).toEqual({ code, signal: null, output });
});

test("An installed package finds the library in the platform's package, as an ES module and in CommonJS.", async () => {
  const expected = { code: 0, signal: null, output: "2,3,4\n" };
  const module = `import { Executor } from "@trtllm-node/core"; ${answer()}`;
  expect(await inApplication("main.mjs", module)).toEqual(expected);
  const script = `const { Executor } = require("@trtllm-node/core"); (async () => { ${answer()} })();`;
  expect(await inApplication("main.cjs", script)).toEqual(expected);
  const isolated = `import { Executor } from "@trtllm-node/core"; ${answer('{ isolation: "process" }')}`;
  expect(await inApplication("isolated.mjs", isolated)).toEqual(expected);
});

test("The environment variable goes before the platform's package.", async () => {
  const source = `
    process.env.TRTLLM_NODE_LIBRARY = "/no/such/library.so";
    const { Executor } = await import("@trtllm-node/core");
    await Executor.create("/").catch(({ code, message }) => console.log(code, message));`;
  const { output } = await inApplication("environment.mjs", source);
  expect(output).toMatch(
    /^ERR_LIBRARY_NOT_FOUND .*\/no\/such\/library\.so, named by the environment variable/,
  );
});

test("Under node --test the process of a test file ends.", async () => {
  const source = `
    import { test } from "node:test";
    import { Executor } from "@trtllm-node/core";
    const executor = await Executor.create(${JSON.stringify(engine.path)});
    test("answers", async () => { await executor.submit({ tokens: [1], maxTokens: 3 }).result; });`;
  const path = join(application, "answers.test.mjs");
  await writeFile(path, source);
  const child = await runNode(["--test", path], { cwd: application });
  expect(child).toMatchObject({ code: 0, signal: null });
  expect(child.output).toMatch(/pass 1\b/);
});

test.each(["esm", "cjs"] as const)(
  "An application bundled by esbuild as %s runs, with koffi beside it.",
  async (format) => {
    const entry = join(application, `entry.${format}.mjs`);
    await writeFile(entry, `import { Executor } from "@trtllm-node/core"; (async () => { ${answer()} })();`);
    const outfile = join(application, `bundle.${format === "esm" ? "mjs" : "cjs"}`);
    const logLevel = "error"; // CommonJS has no import.meta, which is as expected
    await build({
      entryPoints: [entry],
      outfile,
      format,
      bundle: true,
      platform: "node",
      external: ["koffi"],
      logLevel,
    });
    const child = await runNode([outfile, engine.path], { cwd: application });
    expect(child).toEqual({ code: 0, signal: null, output: "2,3,4\n" });
  },
);
