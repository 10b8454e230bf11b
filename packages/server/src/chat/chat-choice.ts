import { type ChatPart, type ChatStream, reasoningTokens, type Tokenizer } from "@trtllm-node/runtime";
import { type ChoiceEvent, finishReason } from "../answer/choice.ts";
import { type ChosenLogProb, TokenTeller } from "../answer/log-probs.ts";
import type { ChoiceFormat } from "../answer/respond.ts";

interface ToolCallDelta {
  readonly index: number;
  readonly id?: string;
  readonly type?: "function";
  readonly function: { readonly name?: string; readonly arguments: string };
}

/** A piece of an answer, as it is streamed. */
export interface ChatPiece {
  readonly content?: string;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly ToolCallDelta[];
}

/**
 * One choice. A call of a tool is told as the model writes it, and its arguments are to be checked by the client, as
 * with OpenAI; what was to be a call and is not even that is text.
 */
export async function* chatChoice(
  stream: ChatStream,
  index: number,
  tokenizer: Tokenizer,
): AsyncGenerator<ChoiceEvent<ChatPiece>, undefined> {
  const calls = new Map<string, number>();
  const teller = new TokenTeller(tokenizer);
  for await (const part of stream) {
    teller.add(part.told);
    const piece = chatPiece(part, calls);
    if (piece !== undefined) yield { index, piece, told: teller.take() };
  }
  const result = await stream.result;
  const end = {
    finishReason: finishReason(result.finishReason, calls.size > 0),
    usage: result.usage,
    reasoningTokens: reasoningTokens(result, tokenizer),
  };
  yield { index, end, told: teller.takeRest(result) };
}

/** @param calls the indexes of those begun, by id */
function chatPiece(part: ChatPart, calls: Map<string, number>): ChatPiece | undefined {
  switch (part.type) {
    case "text-delta":
      return { content: part.text };
    case "reasoning-delta":
      return { reasoning_content: part.text };
    case "tool-call-start": {
      const { id, name } = part;
      calls.set(id, calls.size);
      return {
        tool_calls: [{ index: calls.get(id)!, id, type: "function", function: { name, arguments: "" } }],
      };
    }
    case "tool-call-delta":
      return { tool_calls: [{ index: calls.get(part.id)!, function: { arguments: part.text } }] };
    case "tool-call-end":
      return undefined;
    case "tool-call-error":
      return calls.has(part.id) ? undefined : { content: part.text };
  }
}

export const chatFormat: ChoiceFormat<ChatPiece> = {
  chunk({ index, told, ...event }, first) {
    const delta = { ...(first && { role: "assistant", content: "" }), ...("piece" in event && event.piece) };
    const finish_reason = "end" in event ? event.end.finishReason : null;
    return { index, delta, logprobs: logProbs(told), finish_reason };
  },
  whole(index, pieces, { finishReason: finish_reason }, told) {
    return { index, message: chatMessage(pieces), logprobs: logProbs(told), finish_reason };
  },
};

function logProbs(content: readonly ChosenLogProb[] | undefined): object | null {
  return content === undefined ? null : { content, refusal: null };
}

function chatMessage(pieces: readonly ChatPiece[]): object {
  const content = pieces.map((piece) => piece.content ?? "").join("");
  const reasoning_content = pieces.map((piece) => piece.reasoning_content ?? "").join("");
  const calls: { id: string; name: string; text: string }[] = [];
  for (const delta of pieces.flatMap(({ tool_calls = [] }) => tool_calls)) {
    if (delta.id !== undefined) calls[delta.index] = { id: delta.id, name: delta.function.name!, text: "" };
    calls[delta.index]!.text += delta.function.arguments;
  }
  return {
    role: "assistant",
    content: content === "" && calls.length > 0 ? null : content,
    refusal: null,
    ...(reasoning_content !== "" && { reasoning_content }),
    ...(calls.length > 0 && {
      tool_calls: calls.map(({ id, name, text }) => ({
        id,
        type: "function",
        function: { name, arguments: text },
      })),
    }),
  };
}
