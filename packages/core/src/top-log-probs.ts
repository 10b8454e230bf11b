import type { TopLogProbs } from "./executor-like.ts";

const firstPositions = 32;

/** The most likely tokens of one answer, as they come; ahead of the answer's tokens or level with them. */
export class TopLogProbsBuffer {
  #perToken = 0;
  #tokens = new Int32Array(0);
  #logProbs = new Float32Array(0);
  #used = 0;

  append({ perToken, tokens, logProbs }: TopLogProbs): void {
    this.#perToken = perToken;
    const used = this.#used + tokens.length;
    if (used > this.#tokens.length) {
      const capacity = Math.max(used, this.#tokens.length * 2, firstPositions * perToken);
      this.#tokens = copy(new Int32Array(capacity), this.#tokens);
      this.#logProbs = copy(new Float32Array(capacity), this.#logProbs);
    }
    this.#tokens.set(tokens, this.#used);
    this.#logProbs.set(logProbs, this.#used);
    this.#used = used;
  }

  /** Of the tokens from `from` to `to`; `undefined` where there are none. */
  view(from: number, to: number): TopLogProbs | undefined {
    const perToken = this.#perToken;
    if (perToken === 0) return undefined;
    const tokens = this.#tokens.subarray(from * perToken, to * perToken);
    return { perToken, tokens, logProbs: this.#logProbs.subarray(from * perToken, to * perToken) };
  }
}

function copy<T extends Int32Array | Float32Array>(target: T, source: T): T {
  target.set(source);
  return target;
}
