import type { BuildProblem } from "./build-problem.ts";
import type { ResolvedBuildConfig } from "./resolve-build-config.ts";

/** Values that trtllm-build would change silently, or build an engine with that no request fits. */
export function* limitProblems(config: ResolvedBuildConfig): Generator<BuildProblem> {
  const { maxBatchSize, maxInputTokens, maxSequenceTokens, maxNumTokens } = config.limits;
  const { tokensPerBlock } = config.kvCache;
  if (maxInputTokens > maxSequenceTokens) {
    yield {
      field: "limits.maxInputTokens",
      value: maxInputTokens,
      rule: `a prompt is part of a sequence of at most ${maxSequenceTokens} tokens`,
      nearest: maxSequenceTokens,
    };
  }
  if (!Number.isInteger(Math.log2(tokensPerBlock))) {
    yield {
      field: "kvCache.tokensPerBlock",
      value: tokensPerBlock,
      rule: "a block must be a power of 2",
      nearest: 2 ** Math.round(Math.log2(tokensPerBlock)),
    };
  }
  const step = (rule: string, nearest: number): BuildProblem => ({
    ...{ field: "limits.maxNumTokens", value: maxNumTokens, rule, nearest },
  });
  const most = maxSequenceTokens * maxBatchSize;
  if (maxNumTokens > most) yield step("maxBatchSize whole sequences have fewer tokens", most);
  else if (maxNumTokens < tokensPerBlock) yield step("a step computes at least one KV block", tokensPerBlock);
  else if (!config.attention.pagedContext && maxNumTokens < maxInputTokens) {
    yield step(
      "without attention.pagedContext a prompt is not cut, so a step must hold the longest",
      maxInputTokens,
    );
  }
  const { speculative } = config;
  if (speculative && maxNumTokens < maxBatchSize * (speculative.maxDraftTokens + 1)) {
    yield step(
      "a step must hold the draft tokens of maxBatchSize requests",
      maxBatchSize * (speculative.maxDraftTokens + 1),
    );
  }
}
