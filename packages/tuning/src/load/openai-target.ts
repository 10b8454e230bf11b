import { createParser } from "eventsource-parser";
import type { LoadTarget } from "./load-target.ts";

export interface OpenAiTargetOptions {
  /** Such as "http://localhost:8000/v1". */
  readonly baseUrl: string;
  readonly model: string;
  /** Sent as a bearer token. */
  readonly apiKey?: string | undefined;
}

/** What went wrong with a request over HTTP; `code` is "http_" and the status, or the API's own. */
export class LoadError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * A server of OpenAI's completions API that takes token ids as a prompt and `ignore_eos`: packages/server, vLLM,
 * trtllm-serve, NIM. A chunk counts as one token; what the usage at the end counts more has come by then.
 */
export function openAiTarget({ baseUrl, model, apiKey }: OpenAiTargetOptions): LoadTarget {
  const url = `${baseUrl.replace(/\/+$/, "")}/completions`;
  const headers = {
    "content-type": "application/json",
    ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
  };
  return {
    name: `${model} at ${baseUrl}`,
    async send({ prompt, completionTokens }, onTokens, signal) {
      const body = {
        model,
        prompt: [...prompt],
        max_tokens: completionTokens,
        ignore_eos: true,
        stream: true,
        stream_options: { include_usage: true },
      };
      const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal });
      if (!response.ok || response.body === null) throw await httpError(response);
      const usage = new UsageCounter(onTokens);
      const parser = createParser({
        onEvent: ({ data }) => {
          if (data !== "[DONE]") usage.take(JSON.parse(data) as CompletionChunk);
        },
      });
      const text = new TextDecoder();
      for await (const bytes of response.body) parser.feed(text.decode(bytes, { stream: true }));
      return { cachedPromptTokens: usage.cachedPromptTokens };
    },
  };
}

interface CompletionChunk {
  readonly error?: { readonly code?: string; readonly message?: string };
  readonly choices?: readonly { readonly text?: string }[];
  readonly usage?: {
    readonly completion_tokens?: number;
    readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null;
  } | null;
}

/** Tells tokens as they come. */
class UsageCounter {
  cachedPromptTokens: number | undefined;
  #given = 0;
  readonly #onTokens: (count: number) => void;

  constructor(onTokens: (count: number) => void) {
    this.#onTokens = onTokens;
  }

  take({ error, choices = [], usage }: CompletionChunk): void {
    if (error !== undefined)
      throw new LoadError(error.code ?? "error", error.message ?? "The server gave no reason.");
    this.cachedPromptTokens = usage?.prompt_tokens_details?.cached_tokens ?? this.cachedPromptTokens;
    const total = usage?.completion_tokens ?? this.#given + (choices[0]?.text ? 1 : 0);
    if (total > this.#given) this.#onTokens(total - this.#given);
    this.#given = Math.max(total, this.#given);
  }
}

async function httpError(response: Response): Promise<LoadError> {
  const text = await response.text();
  return new LoadError(`http_${response.status}`, text.slice(0, 500));
}
