import type { LanguageModelV3Content, LanguageModelV3StreamPart } from "@ai-sdk/provider";
import type { ChatPart, ToolCallError } from "@trtllm-node/runtime";
import { providerName } from "./provider-options.ts";

/** Turns the parts of an answer into blocks of the AI SDK's stream: each has a start, deltas, and an end. */
export class AnswerBlocks {
  #open: { readonly type: "text" | "reasoning"; readonly id: string } | undefined;
  #blocks = 0;
  #inputs = new Map<string, string>();
  #calls = 0;

  /** Tool calls so far, also those that cannot be used. */
  get calls(): number {
    return this.#calls;
  }

  push(part: ChatPart): LanguageModelV3StreamPart[] {
    switch (part.type) {
      case "text-delta":
        return this.#give("text", part.text);
      case "reasoning-delta":
        return this.#give("reasoning", part.text);
      case "tool-call-start":
        return [...this.end(), ...this.#startInput(part.id, part.name)];
      case "tool-call-delta":
        this.#inputs.set(part.id, this.#inputs.get(part.id) + part.text);
        return [{ type: "tool-input-delta", id: part.id, delta: part.text }];
      case "tool-call-end":
        return this.#call(part.id, { toolName: part.name, input: JSON.stringify(part.arguments) });
      case "tool-call-error":
        return this.#failedCall(part);
    }
  }

  /** Ends what is open. An input without its call is one that an error cut off. */
  end(): LanguageModelV3StreamPart[] {
    const ended = [...this.#inputs.keys()].map((id) => ({ type: "tool-input-end" as const, id }));
    this.#inputs.clear();
    if (this.#open === undefined) return ended;
    const { type, id } = this.#open;
    this.#open = undefined;
    return [...ended, { type: `${type}-end`, id }];
  }

  #give(type: "text" | "reasoning", delta: string): LanguageModelV3StreamPart[] {
    const parts: LanguageModelV3StreamPart[] = [];
    if (this.#open?.type !== type) {
      parts.push(...this.end());
      this.#open = { type, id: String(this.#blocks++) };
      parts.push({ type: `${type}-start`, id: this.#open.id });
    }
    parts.push({ type: `${type}-delta`, id: this.#open.id, delta });
    return parts;
  }

  #startInput(id: string, toolName: string): LanguageModelV3StreamPart[] {
    this.#inputs.set(id, "");
    return [{ type: "tool-input-start", id, toolName }];
  }

  /** The AI SDK reports and repairs calls whose tool or input is wrong. What names no tool can only be text. */
  #failedCall({ id, name, text, reason, message }: ToolCallError): LanguageModelV3StreamPart[] {
    if (name === undefined) return this.#give("text", text);
    const parts: LanguageModelV3StreamPart[] = [];
    if (!this.#inputs.has(id)) parts.push(...this.push({ type: "tool-call-start", id, name }));
    // Nothing would count as no arguments.
    if (this.#inputs.get(id) === "") parts.push(...this.push({ type: "tool-call-delta", id, text }));
    const providerMetadata = { [providerName]: { reason, message } };
    parts.push(...this.#call(id, { toolName: name, input: this.#inputs.get(id)!, providerMetadata }));
    return parts;
  }

  #call(
    id: string,
    call: Pick<
      Extract<LanguageModelV3StreamPart, { type: "tool-call" }>,
      "toolName" | "input" | "providerMetadata"
    >,
  ): LanguageModelV3StreamPart[] {
    this.#calls += 1;
    this.#inputs.delete(id);
    return [
      { type: "tool-input-end", id },
      { type: "tool-call", toolCallId: id, ...call },
    ];
  }
}

/** The same answer in one piece. */
export function contentOf(parts: readonly LanguageModelV3StreamPart[]): LanguageModelV3Content[] {
  const content: LanguageModelV3Content[] = [];
  for (const part of parts) {
    const last = content.at(-1);
    if (part.type === "text-start") content.push({ type: "text", text: "" });
    else if (part.type === "reasoning-start") content.push({ type: "reasoning", text: "" });
    else if (part.type === "tool-call") content.push(part);
    else if (part.type === "text-delta" || part.type === "reasoning-delta") {
      if (last?.type === "text" || last?.type === "reasoning") last.text += part.delta;
    }
  }
  return content;
}
