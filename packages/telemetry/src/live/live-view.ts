import type { LLM } from "@trtllm-node/runtime";
import { engineLoad } from "../engine-load.ts";
import { ModelSeries } from "./live-series.ts";
import type { LiveModel, LiveRequest, LiveSnapshot } from "./live-snapshot.ts";

/** What models are doing now, and what they did in the last minutes. */
export class LiveView {
  readonly #models: readonly { readonly name: string; readonly llm: LLM; readonly series: ModelSeries }[];
  readonly #ends: (() => void)[];
  /** When requests were seen first, by model and id. */
  readonly #seen = new Map<string, number>();

  /** Looks every second from now on. */
  constructor(models: Readonly<Record<string, LLM>>) {
    this.#models = Object.entries(models).map(([name, llm]) => ({ name, llm, series: new ModelSeries(llm) }));
    this.#ends = this.#models.flatMap(({ llm, series }) => [
      llm.trace(() => (end) => series.ended(end)),
      llm.kvCache.onIteration((iteration) => series.iterated(iteration)),
      llm.kvCache.watch({ onSample: () => series.add() }),
    ]);
  }

  snapshot(): LiveSnapshot {
    const rows = this.#models.map(({ name, llm }) => this.#rows(name, llm));
    return {
      time: Date.now(),
      models: this.#models.map(({ name, llm, series }, index) => model(name, llm, series, rows[index])),
    };
  }

  close(): void {
    for (const end of this.#ends) end();
  }

  #rows(name: string, llm: LLM): LiveRequest[] | undefined {
    const now = performance.now();
    const requests = llm.runningRequests();
    const keys = new Set(requests?.map(({ id }) => `${name} ${id}`));
    for (const key of this.#seen.keys()) {
      if (key.startsWith(`${name} `) && !keys.has(key)) this.#seen.delete(key);
    }
    return requests?.map((request) => {
      const key = `${name} ${request.id}`;
      const since = this.#seen.get(key) ?? now;
      this.#seen.set(key, since);
      const { id, stage, contextPrefillPosition, numGeneratedTokens, paused, reusedBlocksPerRequest } =
        request;
      const shown = { id, stage, contextPrefillPosition, numGeneratedTokens, paused, reusedBlocksPerRequest };
      return { ...shown, ageMs: now - since };
    });
  }
}

function model(name: string, llm: LLM, { series }: ModelSeries, rows: LiveRequest[] | undefined): LiveModel {
  const { name: engineName, device, maxBatchSize, maxQueueSize, maxSequenceTokens } = llm.engine;
  const { requests, tokens, ...latencies } = llm.metrics();
  const pressure = llm.kvCache.pressure();
  const left = pressure.secondsToExhaustion;
  return {
    name,
    engine: { name: engineName, device, maxBatchSize, maxQueueSize, maxSequenceTokens },
    load: engineLoad(llm),
    requests,
    tokens,
    latencies,
    kvCache: llm.kvCache.stats(),
    pressure: { ...pressure, secondsToExhaustion: Number.isFinite(left) ? left : null },
    rows,
    series,
  };
}
