import type { ChatPart, ChatStream, Tokenizer } from "@trtllm-node/runtime";
import { type ChoiceEvent, finishReason } from "../answer/choice.ts";
import { tokenLogProbs } from "../answer/log-probs.ts";
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
  for await (const part of stream) {
    const piece = chatPiece(part, calls);
    if (piece !== undefined) yield { index, piece };
  }
  const result = await stream.result;
  const { usage } = result;
  const content = tokenLogProbs(result, tokenizer);
  const logprobs = content && { content, refusal: null };
  yield { index, end: { finishReason: finishReason(result.finishReason, calls.size > 0), usage, logprobs } };
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
  chunk(index, piece, finish_reason, first) {
    const role = first ? { role: "assistant", content: "" } : {};
    return { index, delta: { ...role, ...piece }, logprobs: null, finish_reason };
  },
  whole(index, pieces, { finishReason: finish_reason, logprobs = null }) {
    return { index, message: chatMessage(pieces), logprobs, finish_reason };
  },
};

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
