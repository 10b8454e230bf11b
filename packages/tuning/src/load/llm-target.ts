import type { LLM } from "@trtllm-node/runtime";
import type { LoadTarget } from "./load-target.ts";

/** A model in this process. */
export function llmTarget(llm: LLM): LoadTarget {
  // An end token that is never chosen does not end an answer.
  const badWords = llm.tokenizer.endIds.map((id) => [id]);
  return {
    name: llm.engine.name,
    async send({ prompt, completionTokens, maxTokens }, onTokens, signal) {
      const stream = llm.stream(prompt, { maxTokens: maxTokens ?? completionTokens, badWords, signal });
      let given = 0;
      for await (const { tokens } of stream) {
        onTokens(Math.min(tokens.length, completionTokens - given));
        given += tokens.length;
        if (given >= completionTokens) break;
      }
      const { usage } = await stream.result;
      return { cachedPromptTokens: usage.cachedPromptTokens };
    },
  };
}
