import {
  ConfigError,
  DisposedError,
  ExecutorError,
  type ExecutorRequest,
  QueueFullError,
  type TokenStream,
} from "@trtllm-node/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesOf, byteVocabulary } from "../../test/byte-vocabulary.ts";
import { type Script, ScriptedExecutor } from "../../test/scripted-executor.ts";
import { VocabularyTokenizer } from "../tokenizer/vocabulary-tokenizer.ts";
import { EnginePool, type PoolModel } from "./engine-pool.ts";
import { blockHashes, PrefixIndex } from "./prefix-index.ts";

/** Executors in the order in which they were loaded. A path such as "full+yes" names the scripts of its copies. */
function createPool(scripts: Record<string, Script & { broken?: boolean; full?: boolean }>) {
  const executors: ScriptedExecutor[] = [];
  const pool = new EnginePool(async ({ path }: PoolModel) => {
    const names = path.split("+");
    const named = scripts[names[executors.length % names.length]!];
    if (named === undefined) throw new Error("No memory.");
    const { broken, full, ...script } = named;
    const executor: ScriptedExecutor = new (class extends ScriptedExecutor {
      override submit(request: ExecutorRequest): TokenStream {
        const warm = this.requests.length > 0;
        if (full && warm) throw new QueueFullError("Full.");
        const stream = super.submit(request);
        if (!broken || !warm) return stream;
        const error = new ExecutorError("ERR_EXECUTOR", "Broken.");
        const result = Promise.reject(error);
        result.catch(() => {});
        return { ...stream, result, onEnd: (listener) => void result.catch(listener) };
      }
    })(script, {
      vocabulary: byteVocabulary({
        // As that of a real engine, it ends with it.
        tokenize: (text) => {
          if (executor.disposed > 0) throw new DisposedError("Disposed.");
          return Int32Array.from(bytesOf(text));
        },
        endIds: path.startsWith("other") ? [5] : [257],
      }),
      engine: { path, maxSequenceTokens: 1000, kvBlocks: 100 },
    });
    executors.push(executor);
    return { executor, tokenizer: new VocabularyTokenizer(executor.vocabulary!) };
  });
  return { pool, executors };
}

const yes = { chunks: [[...bytesOf("Yes")]] };
const no = { chunks: [[...bytesOf("No")]] };
/** Behind the warm-up. */
const counts = (executors: readonly ScriptedExecutor[]) =>
  executors.map(({ requests }) => requests.length - 1);

test("models are found by name, and each answers with its own engine", async () => {
  const { pool } = createPool({ yes, no });
  await pool.add("a", { path: "yes" });
  await pool.add("b", { path: "no" });
  expect(pool.names).toEqual(["a", "b"]);
  expect((await pool.model("a").generate("?")).text).toBe("Yes");
  expect((await pool.model("b").generate("?")).text).toBe("No");
  expect(() => pool.model("c")).toThrow(ConfigError);
  expect(() => pool.model("c")).toThrow('"a", "b"');
  await expect(pool.add("a", { path: "yes" })).rejects.toBeInstanceOf(ConfigError);
  await expect(pool.add("d", { path: "yes", copies: 0 })).rejects.toBeInstanceOf(ConfigError);
});

test("every copy is warmed up with the shared prefixes before it gets requests", async () => {
  const { pool, executors } = createPool({ yes });
  await pool.add("a", { path: "yes", copies: 2, warmUp: ["One", "Two"] });
  const prompts = executors.map(({ requests }) =>
    requests.map(({ tokens }) => Buffer.from(tokens).toString()),
  );
  expect(prompts).toEqual([
    ["One", "Two"],
    ["One", "Two"],
  ]);
});

test("requests at once are spread over the copies", async () => {
  const { pool, executors } = createPool({ yes });
  const llm = await pool.add("a", { path: "yes", copies: 3 });
  await Promise.all(Array.from({ length: 9 }, (_, n) => llm.generate(String(n).repeat(40))));
  expect(counts(executors)).toEqual([3, 3, 3]);
});

test("a prompt goes where its beginning was computed, unless that copy has far more to do", async () => {
  const { pool, executors } = createPool({ yes });
  const llm = await pool.add("a", { path: "yes", copies: 2 });
  const document = "d".repeat(400);
  await llm.generate(`${document}1`);
  await llm.generate("x".repeat(100));
  for (let n = 2; n < 6; n++) await llm.generate(`${document}${n}`);
  const home = executors.findIndex(({ requests }) => requests.length > 3);
  expect(counts(executors)[home]).toBeGreaterThanOrEqual(5);
  // All at once are more than one should do alone.
  await Promise.all(Array.from({ length: 30 }, (_, n) => llm.generate(`${document}${n}`)));
  expect(counts(executors)[1 - home]).toBeGreaterThan(3);
});

test("a full queue sends the request to another copy", async () => {
  const { pool } = createPool({ yes, full: { ...yes, full: true } });
  const llm = await pool.add("a", { path: "full+yes", copies: 2 });
  expect((await llm.generate("?")).text).toBe("Yes");
  const { pool: alone } = createPool({ full: { ...yes, full: true } });
  const full = await alone.add("a", { path: "full" });
  await expect(full.generate("?")).rejects.toBeInstanceOf(QueueFullError);
});

test("a copy whose requests keep failing gets no more, and says why", async () => {
  const { pool } = createPool({ broken: { ...yes, broken: true } });
  // No other can be loaded in its place.
  const llm = await pool.add("a", { path: "broken+missing" });
  for (let n = 0; n < 3; n++) await expect(llm.generate("?")).rejects.toBeInstanceOf(ExecutorError);
  while (pool.health().a![0]!.error?.message !== "No memory.") await new Promise(setImmediate);
  expect(pool.health()).toMatchObject({ a: [{ state: "failed", active: 0 }] });
  await expect(llm.generate("?")).rejects.toThrow("Broken.");
  await pool.dispose();
});

test("another engine is loaded in the place of a copy that failed, which is freed", async () => {
  const { pool, executors } = createPool({ broken: { ...yes, broken: true }, yes: no });
  const llm = await pool.add("a", { path: "broken+yes" });
  for (let n = 0; n < 3; n++) await expect(llm.generate("?")).rejects.toBeInstanceOf(ExecutorError);
  while (executors[0]!.disposed === 0) await new Promise(setImmediate);
  expect(pool.health()).toMatchObject({ a: [{ state: "ready", submitted: 0, error: undefined }] });
  expect((await llm.generate("?")).text).toBe("No");
  await pool.dispose();
  expect(executors.map(({ disposed }) => disposed)).toEqual([1, 1]);
});

test("a copy whose executor refuses at once fails too, and others take its requests meanwhile", async () => {
  const { pool, executors } = createPool({ yes });
  const llm = await pool.add("a", { path: "yes", copies: 2 });
  executors[0]!.submit = () => {
    throw new ExecutorError("ERR_EXECUTOR", "Gone.");
  };
  for (let n = 0; n < 8; n++) expect((await llm.generate(`${n}`)).text).toBe("Yes");
  while (executors.length < 3 || executors[0]!.disposed === 0) {
    await llm.generate("?");
    await new Promise(setImmediate);
  }
  expect(pool.health().a!.map(({ state }) => state)).toEqual(["ready", "ready"]);
  await pool.dispose();
});

test("a swap loses no request: old ones end on the old engine, new ones begin on the new", async () => {
  const { pool, executors } = createPool({ slow: { chunks: [[97]] }, yes });
  const llm = await pool.add("a", { path: "slow" });
  // Runs until it is let go.
  const old = executors[0]!;
  let letGo!: () => void;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const submit = old.submit.bind(old);
  old.submit = (request) => {
    const stream = submit(request);
    const result = held.then(() => stream.result);
    return { ...stream, result, onEnd: (listener) => void result.then(listener, listener) };
  };
  const running = llm.generate("?");
  const swapped = pool.swap("a", { path: "yes" });
  while (executors.length < 2 || pool.health().a!.length < 2) await new Promise(setImmediate);
  expect(pool.health().a!.map(({ state, active }) => [state, active])).toEqual([
    ["ready", 0],
    ["draining", 1],
  ]);
  expect((await llm.generate("?")).text).toBe("Yes");
  expect(old.disposed).toBe(0);
  letGo();
  expect((await running).text).toBe("a");
  await swapped;
  expect(old.disposed).toBe(1);
  expect((await llm.generate("?")).text).toBe("Yes");
  expect(pool.health().a).toHaveLength(1);
});

test("a long prompt that is still being tokenized when its engine goes is answered by the next", async () => {
  const { pool, executors } = createPool({ no, yes });
  const llm = await pool.add("a", { path: "no" });
  let tokenized = 0;
  const { vocabulary } = executors[0]!;
  Object.assign(vocabulary!, {
    tokenizeAsync: async () => {
      tokenized++;
      while (executors[0]!.disposed === 0) await new Promise(setImmediate);
      throw new DisposedError("Disposed.");
    },
  });
  const running = llm.generate("?".repeat(17_000), { maxTokens: 1 });
  await pool.swap("a", { path: "yes" });
  expect((await running).text).toBe("Yes");
  expect(tokenized).toBe(1);
});

test("a swap to an engine with another tokenizer is refused, and the old one stays", async () => {
  const { pool, executors } = createPool({ yes, other: no });
  const llm = await pool.add("a", { path: "yes" });
  await expect(pool.swap("a", { path: "other" })).rejects.toThrow("another tokenizer");
  expect(executors.map(({ disposed }) => disposed)).toEqual([0, 1]);
  expect((await llm.generate("?")).text).toBe("Yes");
});

test("a model that was removed is free, and refuses requests", async () => {
  const { pool, executors } = createPool({ yes });
  const llm = await pool.add("a", { path: "yes", copies: 2 });
  await pool.remove("a");
  expect(executors.map(({ disposed }) => disposed)).toEqual([1, 1]);
  expect(() => llm.stream("?")).toThrow(DisposedError);
  expect(pool.names).toEqual([]);
});

test("an engine that cannot be loaded leaves the pool as it was", async () => {
  const { pool, executors } = createPool({ yes });
  await expect(pool.add("a", { path: "yes+missing", copies: 2 })).rejects.toThrow("No memory.");
  expect(executors.map(({ disposed }) => disposed)).toEqual([1]);
  expect(pool.names).toEqual([]);
});

test("disposing the pool disposes every engine", async () => {
  const { pool, executors } = createPool({ yes, no });
  {
    await using owned = pool;
    await owned.add("a", { path: "yes", copies: 2 });
    await owned.add("b", { path: "no" });
  }
  expect(executors.map(({ disposed }) => disposed)).toEqual([1, 1, 1]);
});

test("the index matches exactly the whole blocks that prompts share", () => {
  const tokens = fc.array(fc.nat(3), { maxLength: 40 });
  fc.assert(
    fc.property(
      tokens,
      fc.array(tokens, { maxLength: 5 }),
      fc.integer({ min: 1, max: 8 }),
      (prompt, seen, size) => {
        const index = new PrefixIndex(1000);
        for (const other of seen) index.add(blockHashes(other, size));
        const shared = seen.map((other) => {
          const end = prompt.findIndex((token, at) => token !== other[at]);
          return Math.floor((end === -1 ? Math.min(prompt.length, other.length) : end) / size);
        });
        expect(index.match(blockHashes(prompt, size))).toBe(Math.max(0, ...shared));
      },
    ),
  );
});

test("what a request of another salt or adapter computed is no match", () => {
  const prompt = [1, 2, 3, 4];
  const index = new PrefixIndex(10);
  index.add(blockHashes(prompt, 2, { cacheSaltId: 7, lora: "sql" }));
  const matches = [
    { cacheSaltId: 7, lora: "sql" },
    { cacheSaltId: 8, lora: "sql" },
    { cacheSaltId: 7, lora: "law" },
    { cacheSaltId: 7 },
    {},
  ].map((domain) => index.match(blockHashes(prompt, 2, domain)));
  expect(matches).toEqual([2, 0, 0, 0, 0]);
});

test("the index forgets what a full cache would, ends before beginnings", () => {
  const index = new PrefixIndex(3);
  index.add([1, 2]);
  index.add([3, 4]);
  expect([index.match([1, 2]), index.match([3, 4])]).toEqual([1, 2]);
});
