export type { ChatMessage } from "./chat-message.ts";
export type { IncrementalDecoder } from "./detokenizer/incremental-decoder.ts";
export { ChatTemplateError, TokenizerError } from "./errors.ts";
export type { GenerateOptions } from "./generate-options.ts";
export type { GenerationResult, GenerationTimings, TokenUsage } from "./generation-result.ts";
export { LLM, type Prompt } from "./llm.ts";
export { type TextChunk, TextStream } from "./text-stream.ts";
export { loadTokenizer } from "./tokenizer/load-tokenizer.ts";
export type { EncodeOptions, Tokenizer } from "./tokenizer/tokenizer.ts";
