export type {
  AssistantMessage,
  ChatMessage,
  MessageContent,
  SystemMessage,
  TextPart,
  ToolCall,
  ToolMessage,
  UserMessage,
} from "./chat/chat-message.ts";
export type { ChatPart, ToolCallDelta, ToolCallEnd, ToolCallError, ToolCallStart } from "./chat/chat-part.ts";
export { type ChatResult, ChatStream } from "./chat/chat-stream.ts";
export { reasoningTokens } from "./chat/reasoning-tokens.ts";
export type { Tool, ToolChoice } from "./chat/tools.ts";
export type { IncrementalDecoder } from "./detokenizer/incremental-decoder.ts";
export { ChatTemplateError, ObjectError, SessionBusyError, TokenizerError } from "./errors.ts";
export type { GenerateOptions } from "./generate-options.ts";
export type { GenerationResult, GenerationTimings, TokenUsage } from "./generation-result.ts";
export { type ChatOptions, LLM, type ObjectOptions, type Prompt } from "./llm.ts";
export type { LatencySummary } from "./metrics/latency-histogram.ts";
export type { LlmMetricsSnapshot, RequestOutcome, RequestRecord } from "./metrics/llm-metrics.ts";
export { type Percentiles, percentiles } from "./metrics/percentiles.ts";
export type { RequestEnd, RequestStart, RequestTracer } from "./metrics/request-trace.ts";
export type { CopyHealth, CopyState } from "./pool/engine-copy.ts";
export { EnginePool, type LoadedEngine, type PoolModel, type RetireOptions } from "./pool/engine-pool.ts";
export type { JsonSchema, Schema } from "./schema/schema.ts";
export { type EvaluateOptions, type Evaluation, evaluate } from "./scoring/evaluate.ts";
export type {
  Classification,
  ClassifiedChoice,
  Score,
  ScoreOptions,
  ScoringOptions,
} from "./scoring/score.ts";
export { bestAnswers, type SeveralOptions } from "./scoring/several.ts";
export type { SavedSession, SendOptions, Session, SessionInput, SessionOptions } from "./session/session.ts";
export type { SessionResult, SessionStream } from "./session/session-stream.ts";
export type { GenerationStream } from "./stream/generation-stream.ts";
export type { ToldTokens } from "./stream/join-chunks.ts";
export { serverSentEvents } from "./stream/server-sent-events.ts";
export { type TextChunk, TextStream } from "./stream/text-stream.ts";
export { loadTokenizer, type TokenizerSource } from "./tokenizer/load-tokenizer.ts";
export type { EncodeOptions, Tokenizer } from "./tokenizer/tokenizer.ts";
