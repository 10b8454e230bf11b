import type { LoadRequest } from "./load-request.ts";

/** What a load is put on. */
export interface LoadTarget {
  readonly name: string;
  /**
   * Sends a request, and calls `onTokens` when tokens of its answer have come. Resolves when the answer has ended.
   * @throws whatever goes wrong: it is counted by its code
   */
  send(request: LoadRequest, onTokens: (count: number) => void, signal: AbortSignal): Promise<SentRequest>;
}

export interface SentRequest {
  /** Tokens of the prompt that were found in the KV cache, where the target tells. */
  readonly cachedPromptTokens?: number | undefined;
}
