import type { ChatPart } from "@trtllm-node/runtime";
import fc from "fast-check";
import { accumulateResponse } from "openai/lib/responses/ResponseAccumulator";
import type { Response, ResponseStreamEvent } from "openai/resources/responses/responses";
import { expect, test } from "vitest";
import { OutputItems } from "./output-items.ts";

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 5 });
const delta = fc.record({ type: fc.constantFrom("text-delta", "reasoning-delta"), text });

/** A call as the runtime tells it: whole, wrong, cut off, or not even begun. */
const call = fc
  .record({
    id: fc.uuid(),
    name: text,
    pieces: fc.array(text, { maxLength: 3 }),
    end: fc.constantFrom("whole", "incomplete", "invalid-arguments", "malformed"),
  })
  .map(({ id, name, pieces, end }): ChatPart[] => {
    const error = { type: "tool-call-error", id, message: "wrong", text: pieces.join("") } as const;
    if (end === "malformed") return [{ ...error, reason: end }];
    return [
      { type: "tool-call-start", id, name },
      ...pieces.map((piece) => ({ type: "tool-call-delta" as const, id, text: piece })),
      end === "whole" ? { type: "tool-call-end", id, name, arguments: {} } : { ...error, reason: end },
    ];
  });

const answers = fc
  .array(
    fc.oneof(
      delta.map((part) => [part as ChatPart]),
      call,
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.flat());

test("OpenAI's client makes of the events the items that the whole answer has.", () => {
  fc.assert(
    fc.property(answers, fc.constantFrom("completed", "incomplete"), (parts, status) => {
      const items = new OutputItems();
      const events = [...parts.flatMap((part) => items.push(part)), ...items.end(status)];
      const begun = { type: "response.created", response: { output: [], output_text: "" } };
      let snapshot: Response | undefined;
      for (const event of [begun, ...events]) {
        snapshot = accumulateResponse(event as unknown as ResponseStreamEvent, snapshot);
      }
      expect(snapshot!.output).toEqual(items.done);
      const texts = parts.map((part) => {
        return part.type === "text-delta" || (part.type === "tool-call-error" && part.reason === "malformed")
          ? part.text
          : "";
      });
      expect(snapshot!.output_text).toBe(texts.join(""));
    }),
  );
});

test("Each delta adds to what it belongs to, without what the last event of an item says.", () => {
  fc.assert(
    fc.property(answers, (parts) => {
      const items = new OutputItems();
      const deltas: string[] = [];
      for (const event of [...parts.flatMap((part) => items.push(part)), ...items.end("completed")]) {
        if (!event.type.endsWith(".delta")) continue;
        const at = event.output_index as number;
        deltas[at] = (deltas[at] ?? "") + event.delta;
      }
      const texts = items.done.map((item) => {
        const content = item.content as { text: string }[] | undefined;
        return content?.[0]?.text ?? item.arguments;
      });
      expect(Array.from(texts, (_, at) => deltas[at] ?? "")).toEqual(texts);
    }),
  );
});

test("An answer that was cut off is incomplete in its last item only.", () => {
  const items = new OutputItems();
  items.push({ type: "reasoning-delta", text: "Hm." });
  items.push({ type: "text-delta", text: "Yes, " });
  items.end("incomplete");
  expect(items.done.map(({ type, status }) => [type, status])).toEqual([
    ["reasoning", "completed"],
    ["message", "incomplete"],
  ]);
});
