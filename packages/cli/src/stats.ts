import type { GenerationResult } from "@trtllm-node/runtime";

/** Token counts and timings of one answer, for people. */
export function formatStats({ usage, timings, finishReason, kvBlocks }: GenerationResult): string {
  const { promptTokens, cachedPromptTokens, completionTokens } = usage;
  const { queueMs, timeToFirstTokenMs, interTokenMs, totalMs, tokensPerSecond } = timings;
  return [
    `prompt       ${promptTokens} tokens, ${cachedPromptTokens} of them from the KV cache`,
    `answer       ${completionTokens} tokens, ended by: ${finishReason}`,
    `first token  ${milliseconds(timeToFirstTokenMs)}, of that ${milliseconds(queueMs)} in the queue`,
    `inter-token  ${milliseconds(interTokenMs)}`,
    `total        ${milliseconds(totalMs)}, ${tokensPerSecond?.toFixed(1) ?? "–"} tokens/s`,
    `KV blocks    ${kvBlocks.allocated} taken, ${kvBlocks.reused} reused`,
    "",
  ].join("\n");
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? "–" : `${value.toFixed(1)} ms`;
}
