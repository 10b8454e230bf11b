import type { SimulatedEngine } from "./simulated-engine.ts";
import { type SimulatedRequest, wholeTokens } from "./simulation.ts";

const none: readonly number[] = [];

/** Requests as arrays, so that a step touches no objects. */
export class RequestTable {
  readonly count: number;
  readonly arrival: Float64Array;
  readonly prompt: Int32Array;
  /** Tokens of the answer. */
  readonly answer: Int32Array;
  /** KV blocks of the prompt and all that the answer may have. */
  readonly wholeBlocks: Int32Array;
  /** Numbers of the prompt's beginning, in blocks of `prefixTokens`. */
  readonly prefix: readonly (readonly number[])[];
  /** Tokens of a prefix block, a multiple of the engine's; 0 where no prefixes are known. */
  readonly prefixTokens: number;
  /** Whether the engine would take it at all. */
  readonly fits: (request: number) => boolean;

  constructor(requests: readonly SimulatedRequest[], engine: SimulatedEngine) {
    const { tokensPerBlock, kvBlocks, maxSequenceTokens } = engine;
    this.count = requests.length;
    this.arrival = Float64Array.from(requests, ({ arrivalMs }) => arrivalMs);
    this.prompt = Int32Array.from(requests, ({ promptTokens }) => Math.max(promptTokens, 1));
    this.answer = Int32Array.from(requests, ({ completionTokens }) => Math.max(completionTokens, 1));
    this.wholeBlocks = Int32Array.from(requests, (request) =>
      Math.ceil(wholeTokens(request) / tokensPerBlock),
    );
    const blockTokens = requests.find((request) => request.blockTokens !== undefined)?.blockTokens ?? 0;
    // Prefixes that do not fall on the engine's blocks cannot be followed.
    this.prefixTokens =
      engine.enableBlockReuse && blockTokens > 0 && blockTokens % tokensPerBlock === 0 ? blockTokens : 0;
    this.prefix = requests.map((request) => {
      if (this.prefixTokens === 0 || request.blockTokens !== this.prefixTokens) return none;
      // The last token is always computed.
      const most = Math.floor((Math.max(request.promptTokens, 1) - 1) / this.prefixTokens);
      return request.prefixBlocks?.slice(0, most) ?? none;
    });
    this.fits = (request) =>
      this.wholeBlocks[request]! <= kvBlocks && wholeTokens(requests[request]!) <= maxSequenceTokens;
  }
}
