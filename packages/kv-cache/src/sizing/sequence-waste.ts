import { ConfigError } from "@trtllm-node/core";
import { kvBytesPerSequence } from "./kv-bytes.ts";
import { sequencesThatFit } from "./kv-capacity.ts";
import type { KvLayout } from "./kv-layout.ts";

/** What a limit of the sequence length costs that is longer than the traffic's sequences. */
export interface SequenceWaste {
  /** Of the traffic's lengths, by nearest rank. */
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
  /** Whether there are the 1,000 lengths that a 99th percentile needs to be trusted. */
  readonly enough: boolean;
  /** Tokens of the limit beyond p99; 0 where it is not longer. */
  readonly tokensBeyondP99: number;
  /** Bytes of KV cache that a request which reserves the whole limit holds beyond one of p99, on one rank. */
  readonly bytesBeyondP99: number;
  /** Requests that surely run at once where each reserves the whole limit, and where each reserves p99. */
  readonly sequencesAtLimit: number;
  readonly sequencesAtP99: number;
  /** Part of the requests that a limit of p99 would refuse, 0 to 1. */
  readonly refusedAtP99: number;
}

export interface SequenceTraffic {
  /** Tokens of prompt and answer of each request; at least one request. */
  readonly lengths: readonly number[];
  /** The engine's limit, which requests reserve under GUARANTEED_NO_EVICT unless their `maxTokens` says less. */
  readonly maxSequenceTokens: number;
  /** Bytes of the pool of one rank. */
  readonly poolBytes: number;
  readonly tokensPerBlock: number;
}

/** @throws ConfigError: no lengths */
export function sequenceWaste(layout: KvLayout, traffic: SequenceTraffic): SequenceWaste {
  const { lengths, maxSequenceTokens, poolBytes, tokensPerBlock } = traffic;
  if (lengths.length === 0) {
    throw new ConfigError("lengths is empty. Pass the tokens of prompt and answer of each request.");
  }
  const sorted = Float64Array.from(lengths).sort();
  const rank = (p: number) => sorted[Math.ceil(p * sorted.length) - 1]!;
  const p99 = rank(0.99);
  const bytes = (tokens: number) => kvBytesPerSequence(layout, tokens, tokensPerBlock);
  const sequences = (tokens: number) => sequencesThatFit(layout, poolBytes, tokens, tokensPerBlock);
  const beyond = maxSequenceTokens > p99;
  return {
    p50: rank(0.5),
    p99,
    longest: sorted.at(-1)!,
    enough: lengths.length >= 1000,
    tokensBeyondP99: beyond ? maxSequenceTokens - p99 : 0,
    bytesBeyondP99: beyond ? bytes(maxSequenceTokens) - bytes(p99) : 0,
    sequencesAtLimit: sequences(maxSequenceTokens),
    sequencesAtP99: sequences(p99),
    refusedAtP99: lengths.filter((length) => length > p99).length / lengths.length,
  };
}
