import type { ChatPart, ChatResult, ChatStream, Tokenizer } from "@trtllm-node/runtime";
import { expect, test } from "vitest";
import type { ChoiceEnd } from "../answer/choice.ts";
import { type ChatPiece, chatChoice, chatFormat } from "./chat-choice.ts";

/** The message that the parts of an answer become. */
async function messageOf(parts: readonly ChatPart[]) {
  const usage = { promptTokens: 1, completionTokens: 1, cachedPromptTokens: 0 };
  const stream = Object.assign(ReadableStream.from(parts), {
    result: Promise.resolve({ finishReason: "end", usage, reasoning: "" } as ChatResult),
  });
  const pieces: ChatPiece[] = [];
  let end: ChoiceEnd | undefined;
  for await (const event of chatChoice(stream as unknown as ChatStream, 0, {} as Tokenizer)) {
    if ("piece" in event) pieces.push(event.piece);
    else end = event.end;
  }
  return chatFormat.whole(0, pieces, end!, undefined);
}

test("Reasoning stands beside the content.", async () => {
  const parts: ChatPart[] = [
    { type: "reasoning-delta", text: "Let me " },
    { type: "reasoning-delta", text: "see." },
    { type: "text-delta", text: "Yes." },
  ];
  expect(await messageOf(parts)).toMatchObject({
    message: { role: "assistant", content: "Yes.", reasoning_content: "Let me see." },
    finish_reason: "stop",
  });
});

test("A call that does not fit its schema is told as written, one that cannot be read is content.", async () => {
  const parts: ChatPart[] = [
    { type: "tool-call-start", id: "a", name: "weather" },
    { type: "tool-call-delta", id: "a", text: '{"town":' },
    { type: "tool-call-delta", id: "a", text: '"Paris"}' },
    { type: "tool-call-error", id: "a", name: "weather", reason: "invalid-arguments", message: "", text: "" },
    { type: "tool-call-error", id: "b", reason: "malformed", message: "", text: "<tool_call>nothing" },
  ];
  expect(await messageOf(parts)).toMatchObject({
    message: {
      content: "<tool_call>nothing",
      tool_calls: [
        { id: "a", type: "function", function: { name: "weather", arguments: '{"town":"Paris"}' } },
      ],
    },
    finish_reason: "tool_calls",
  });
});
