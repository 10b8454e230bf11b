import { setTimeout } from "node:timers/promises";
import { ConfigError, Executor, type ExecutorLike, type ExecutorOptions } from "@trtllm-node/core";
import { LLM } from "../llm.ts";
import { loadTokenizer } from "../tokenizer/load-tokenizer.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { CurrentTokenizer } from "./current-tokenizer.ts";
import type { CopyHealth, EngineCopy } from "./engine-copy.ts";
import { RoutingExecutor } from "./routing-executor.ts";

/** A model of a pool. */
export interface PoolModel extends Omit<ExecutorOptions, "onProgress"> {
  /** An engine directory, or a GGUF file. */
  readonly path: string;
  /** Engines of it, each with weights and a KV cache of its own; at least 1. Default 1. */
  readonly copies?: number | undefined;
  /** Prompts that every copy computes before it gets requests, such as prefixes that many share. */
  readonly warmUp?: readonly string[] | undefined;
}

export interface RetireOptions {
  /** Milliseconds after which requests that still run on the old engines are cancelled. Default: never. */
  readonly drainMs?: number | undefined;
}

/** An engine and its tokenizer. */
export interface LoadedEngine {
  readonly executor: ExecutorLike;
  readonly tokenizer: Tokenizer;
}

interface Entry {
  readonly llm: LLM;
  readonly tokenizer: CurrentTokenizer;
  readonly router: RoutingExecutor;
  readonly spec: PoolModel;
}

/** Milliseconds before a copy is loaded again that has not answered since it was; doubled each time up to the second. */
const reloadWaitMs = { first: 1000, most: 60_000 };
/** Milliseconds after which requests that still run on a failed copy are cancelled, once there is another. */
const failedDrainMs = 10_000;

/**
 * Several engines in one process: models by name, each of one or more copies. A model of a pool is an `LLM` like any
 * other; its requests go to the copy with the least to do that remembers most of the prompt. A copy whose requests fail
 * three times in a row gets no more, and another is loaded in its place.
 */
export class EnginePool implements AsyncDisposable {
  readonly #loadEngine: (model: PoolModel) => Promise<LoadedEngine>;
  readonly #models = new Map<string, Entry>();
  readonly #closing = new AbortController();
  readonly #reloading = new Set<Promise<void>>();

  /** @param loadEngine loads one copy; replace it to bring executors of your own */
  constructor(loadEngine: (model: PoolModel) => Promise<LoadedEngine> = loadNative) {
    this.#loadEngine = loadEngine;
  }

  /**
   * Loads models, one after the other.
   * @throws what `add` throws; what was loaded before is freed
   */
  static async load(models: Readonly<Record<string, PoolModel>>): Promise<EnginePool> {
    const pool = new EnginePool();
    try {
      for (const [name, model] of Object.entries(models)) await pool.add(name, model);
      return pool;
    } catch (error) {
      await pool.dispose();
      throw error;
    }
  }

  get names(): readonly string[] {
    return [...this.#models.keys()];
  }

  /**
   * A model, for as long as it is in the pool, also when its engines are swapped. The pool disposes it.
   * @throws ConfigError: no model has that name
   */
  model(name: string): LLM {
    return this.#entry(name).llm;
  }

  /**
   * Loads a model and warms it up; then it can be asked for.
   * @throws ConfigError: the name is taken, or copies is no number of at least 1; what loading an engine throws
   */
  async add(name: string, model: PoolModel): Promise<LLM> {
    if (this.#models.has(name)) {
      throw new ConfigError(
        `The pool already has a model ${JSON.stringify(name)}. Swap it, or use another name.`,
      );
    }
    const engines = await this.#loadCopies(model);
    const executors = engines.map(({ executor }) => executor);
    const router = new RoutingExecutor(executors, (copy) => this.#reload(name, copy));
    const tokenizer = new CurrentTokenizer(engines[0]!.tokenizer);
    const llm = new LLM(router, tokenizer);
    this.#models.set(name, { llm, tokenizer, router, spec: model });
    return llm;
  }

  /**
   * Puts other engines in a model's place, without losing a request: they are loaded and warmed up, then get every new
   * request, and the old ones are freed when theirs have ended.
   * @param model Default: the same again, with fresh engines
   * @throws ConfigError: no such model, or another tokenizer; what loading throws. The old engines then stay.
   */
  async swap(name: string, model?: PoolModel, { drainMs }: RetireOptions = {}): Promise<void> {
    const entry = this.#entry(name);
    const { tokenizer, router, spec } = entry;
    const engines = await this.#loadSuccessors(router, model ?? spec);
    if (!sameTokens(engines[0]!.tokenizer, tokenizer)) {
      await disposeAll(engines);
      throw new ConfigError(
        `The new engine of ${JSON.stringify(name)} has another tokenizer than the old one, whose requests it would ` +
          "misread. Add it under another name, and remove the old model.",
      );
    }
    this.#models.set(name, { ...entry, spec: model ?? spec });
    tokenizer.replace(engines[0]!.tokenizer);
    const executors = engines.map(({ executor }) => executor);
    await router.replace(executors, drainMs ?? Number.POSITIVE_INFINITY);
  }

  /**
   * Takes a model out of the pool, and frees its engines when their requests have ended.
   * @throws ConfigError: no model has that name
   */
  async remove(name: string, { drainMs }: RetireOptions = {}): Promise<void> {
    const { router } = this.#entry(name);
    this.#models.delete(name);
    await router.replace([], drainMs ?? Number.POSITIVE_INFINITY);
  }

  /** Of every copy of every model, draining ones included. */
  health(): Record<string, readonly CopyHealth[]> {
    const entries = [...this.#models].map(([name, { router }]) => [
      name,
      router.copies.map((copy) => copy.health),
    ]);
    return Object.fromEntries(entries) as Record<string, readonly CopyHealth[]>;
  }

  /** Cancels what runs and frees all engines. Idempotent. */
  async dispose(): Promise<void> {
    this.#closing.abort();
    const routers = [...this.#models.values()].map(({ router }) => router);
    this.#models.clear();
    await Promise.all([...routers.map((router) => router.dispose()), ...this.#reloading]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #entry(name: string): Entry {
    const entry = this.#models.get(name);
    if (entry !== undefined) return entry;
    const known = this.names.map((known) => JSON.stringify(known)).join(", ") || "none";
    throw new ConfigError(`The pool has no model ${JSON.stringify(name)}. Those it has: ${known}.`);
  }

  #reload(name: string, failed: EngineCopy): void {
    const reload = this.#loadInPlaceOf(name, failed).finally(() => this.#reloading.delete(reload));
    this.#reloading.add(reload);
  }

  /** Tries until it succeeds, or the copy's place is gone. */
  async #loadInPlaceOf(name: string, failed: EngineCopy): Promise<void> {
    for (let tries = failed.reloads; ; tries++) {
      await this.#wait(tries === 0 ? 0 : Math.min(reloadWaitMs.first * 2 ** (tries - 1), reloadWaitMs.most));
      const entry = this.#models.get(name);
      if (this.#closing.signal.aborted || entry?.router.has(failed) !== true) return;
      const { spec } = entry;
      const signal = AbortSignal.any([this.#closing.signal, ...(spec.signal ? [spec.signal] : [])]);
      let engine: LoadedEngine;
      try {
        [engine] = (await this.#loadSuccessors(entry.router, { ...spec, copies: 1, signal })) as [
          LoadedEngine,
        ];
      } catch (error) {
        failed.notReloaded(error as Error);
        continue;
      }
      if (!entry.router.has(failed)) return disposeAll([engine]);
      entry.tokenizer.replace(engine.tokenizer);
      return entry.router.replaceCopy(failed, engine.executor, failedDrainMs);
    }
  }

  async #wait(ms: number): Promise<void> {
    await setTimeout(ms, undefined, { ref: false, signal: this.#closing.signal }).catch(() => {});
  }

  /** With the adapters that a model has got since it was added. */
  async #loadSuccessors({ lora }: RoutingExecutor, model: PoolModel): Promise<LoadedEngine[]> {
    const engines = await this.#loadCopies(model);
    try {
      await lora.equip(engines.map(({ executor }) => executor));
      return engines;
    } catch (error) {
      await disposeAll(engines);
      throw error;
    }
  }

  /** One after the other: each takes all the memory bandwidth there is. */
  async #loadCopies(model: PoolModel): Promise<LoadedEngine[]> {
    const { copies = 1 } = model;
    if (!(Number.isInteger(copies) && copies > 0)) {
      throw new ConfigError(`copies is ${copies}. It must be a whole number of at least 1.`);
    }
    const engines: LoadedEngine[] = [];
    try {
      while (engines.length < copies) {
        const engine = await this.#loadEngine(model);
        engines.push(engine);
        await warmUp(engine, model);
      }
      return engines;
    } catch (error) {
      await disposeAll(engines);
      throw error;
    }
  }
}

async function loadNative({ path, copies: _, warmUp: __, ...options }: PoolModel): Promise<LoadedEngine> {
  const executor = await Executor.create(path, options);
  try {
    return { executor, tokenizer: await loadTokenizer(executor) };
  } catch (error) {
    await executor.dispose();
    throw error;
  }
}

/** A first token, if for nothing else: it touches the weights, and shows that the engine answers. */
async function warmUp({ executor, tokenizer }: LoadedEngine, { warmUp: prompts = [], signal }: PoolModel) {
  const llm = new LLM(executor, tokenizer);
  for (const prompt of prompts.length > 0 ? prompts : ["."])
    await llm.generate(prompt, { maxTokens: 1, signal });
}

function sameTokens(one: Tokenizer, other: Tokenizer): boolean {
  const probe = "Hello, wörld! 123 <|im_start|> 日本";
  const facts = (tokenizer: Tokenizer) =>
    JSON.stringify([
      [...tokenizer.encode(probe, { addSpecial: true, parseSpecial: true })],
      tokenizer.endIds,
      tokenizer.chatTemplate,
    ]);
  return facts(one) === facts(other);
}

async function disposeAll(engines: readonly LoadedEngine[]): Promise<void> {
  await Promise.all(engines.map(({ executor }) => executor.dispose()));
}
