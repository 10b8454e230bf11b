import type { ToldTokens } from "../stream/join-chunks.ts";
import type { ToolCall } from "./chat-message.ts";

/**
 * A piece of an answer, in the order in which the model wrote it. Where the request asked for log-probabilities, `told`
 * are those of the tokens since the last part that has any; a part is no whole number of tokens, and a mark of a call or of
 * reasoning has tokens and no part.
 */
export type ChatPart = ParsedPart & { readonly told?: ToldTokens };

export type ParsedPart =
  | { readonly type: "text-delta"; readonly text: string }
  | { readonly type: "reasoning-delta"; readonly text: string }
  | ToolCallStart
  | ToolCallDelta
  | ToolCallEnd
  | ToolCallError;

/** The model calls a tool. Then come its `tool-call-delta`s, and one of `tool-call-end` and `tool-call-error`. */
export interface ToolCallStart {
  readonly type: "tool-call-start";
  readonly id: string;
  readonly name: string;
}

/** More of the arguments' JSON. */
export interface ToolCallDelta {
  readonly type: "tool-call-delta";
  readonly id: string;
  readonly text: string;
}

/** The call is whole, names one of the tools, and its arguments fit the tool's schema. */
export interface ToolCallEnd extends ToolCall {
  readonly type: "tool-call-end";
}

/** The model meant to call a tool, but the call cannot be used. */
export interface ToolCallError {
  readonly type: "tool-call-error";
  readonly id: string;
  /** Where it could be read. */
  readonly name?: string | undefined;
  /**
   * `"malformed"`: not the format of a call, or not JSON. `"incomplete"`: the answer ended within it.
   * `"unknown-tool"`: no tool has that name. `"invalid-arguments"`: they do not fit the tool's schema.
   */
  readonly reason: "malformed" | "incomplete" | "unknown-tool" | "invalid-arguments";
  /** What is wrong, in a sentence that can be given back to the model as the tool's result. */
  readonly message: string;
  /** What the model wrote. */
  readonly text: string;
}
