import type { FinishReason, SequenceResult } from "./executor-like.ts";
import type { FinalRecord, SequenceEndRecord, TokensRecord } from "./native/records.ts";
import { TokenBuffer } from "./token-buffer.ts";
import { TokenTimes } from "./token-times.ts";

/** One answer of a request as it comes. */
export class RunningSequence {
  readonly tokens = new TokenBuffer();
  readonly #times = new TokenTimes();
  #end: SequenceEndRecord | undefined;

  append(record: TokensRecord): void {
    this.tokens.append(record);
    this.#times.add(record.count, record.timeNs);
  }

  /** Only one of several has an end of its own. */
  end(record: SequenceEndRecord): void {
    this.#end = record;
  }

  /** @param final of its request */
  result(final: FinalRecord): SequenceResult {
    const { tokens, logProbs, topLogProbs } = this.tokens.all();
    const { length } = tokens;
    const sinceArrival = (ns: number): number => (ns - final.arrivalNs) / 1e6;
    const { timeNs, firstScheduledNs, firstTokenNs } = final;
    const lastTokenNs = this.#end === undefined ? final.lastTokenNs : this.#times.lastNs;
    const finishReason: FinishReason = this.#end?.finishReason ?? final.finishReason;
    return {
      tokens,
      logProbs,
      topLogProbs,
      cumLogProb: this.#cumLogProb(logProbs),
      finishReason,
      timings: {
        queueMs: sinceArrival(firstScheduledNs || timeNs),
        timeToFirstTokenMs: length > 0 ? sinceArrival(firstTokenNs) : undefined,
        interTokenMs: length > 1 ? (lastTokenNs - firstTokenNs) / 1e6 / (length - 1) : undefined,
        interTokenLatenciesMs: this.#times.latencies(firstTokenNs),
        totalMs: sinceArrival(length > 0 ? lastTokenNs : timeNs),
      },
    };
  }

  #cumLogProb(logProbs: Float32Array | undefined): number | undefined {
    const told = this.#end?.cumLogProb ?? Number.NaN;
    return Number.isNaN(told) ? logProbs?.reduce((sum, logProb) => sum + logProb, 0) : told;
  }
}
