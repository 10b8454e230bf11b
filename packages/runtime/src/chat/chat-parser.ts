import { openLength } from "../stream/stop-matcher.ts";
import { CallReader } from "./call-reader.ts";
import type { ParsedPart } from "./chat-part.ts";
import type { ToolFormat } from "./tool-format.ts";
import type { ToolSet } from "./tools.ts";

/** How models mark what they think before they answer. */
export const reasoningTags: readonly { readonly opener: string; readonly closer: string }[] = [
  { opener: "<think>", closer: "</think>" },
  { opener: "<thinking>", closer: "</thinking>" },
  { opener: "<reasoning>", closer: "</reasoning>" },
  { opener: "<seed:think>", closer: "</seed:think>" },
  { opener: "[THINK]", closer: "[/THINK]" },
];

/**
 * Splits an answer, as it comes, into text, reasoning and tool calls. How the text is cut into pieces changes nothing
 * but where deltas end. Reasoning is looked for only where no text of the answer has begun; white space around
 * reasoning and calls is dropped.
 */
export class ChatParser {
  readonly #calls: { readonly format: ToolFormat; readonly tools: ToolSet } | undefined;
  #text = "";
  #state: "block" | "text" | "reasoning" | "calls" = "block";
  /** Whether anything was before: white space that begins the answer is text, white space behind a block is not. */
  #first = true;
  #closer = "";
  #reasoned = false;
  #reader: CallReader | undefined;

  /** @param calls `undefined`: tool calls are text */
  constructor(calls?: { readonly format: ToolFormat; readonly tools: ToolSet }) {
    this.#calls = calls;
  }

  push(text: string): ParsedPart[] {
    this.#text += text;
    const parts: ParsedPart[] = [];
    while (this.#step(parts)) {}
    return parts;
  }

  end(): ParsedPart[] {
    const parts: ParsedPart[] = [];
    const rest = this.#text;
    this.#text = "";
    if (this.#state === "calls") this.#reader!.end(parts);
    else if (this.#state === "reasoning") this.#giveReasoning(rest.trimEnd(), parts);
    else if (this.#state === "text" || this.#first || rest.trim() !== "") giveText(rest, parts);
    return parts;
  }

  /** False: more text is needed. */
  #step(parts: ParsedPart[]): boolean {
    switch (this.#state) {
      case "block":
        return this.#readBlock();
      case "text":
        return this.#readText(parts);
      case "reasoning":
        return this.#readReasoning(parts);
      case "calls":
        return this.#readCalls(parts);
    }
  }

  #readBlock(): boolean {
    const text = this.#text.trimStart();
    const opener = this.#calls?.format.opener;
    const tag = reasoningTags.find((tag) => text.startsWith(tag.opener));
    if (tag !== undefined) {
      this.#closer = tag.closer;
      this.#enter("reasoning", text.slice(tag.opener.length));
    } else if (opener !== undefined && text.startsWith(opener)) {
      this.#enterCalls(text.slice(opener.length), false);
    } else if (reasoningTags.some((tag) => tag.opener.startsWith(text)) || opener?.startsWith(text)) {
      return false;
    } else if (this.#calls?.format.bare && text.startsWith("{")) {
      this.#enterCalls(text, true);
    } else {
      this.#enter("text", this.#first ? this.#text : text);
    }
    return true;
  }

  #readText(parts: ParsedPart[]): boolean {
    const opener = this.#calls?.format.opener;
    if (opener === undefined) {
      giveText(this.#text, parts);
      this.#text = "";
      return false;
    }
    const at = this.#text.indexOf(opener);
    const end = at === -1 ? this.#text.length - openLength(this.#text, [opener]) : at;
    // White space may turn out to be that before a call.
    const text = this.#text.slice(0, end).trimEnd();
    giveText(text, parts);
    if (at === -1) {
      this.#text = this.#text.slice(text.length);
      return false;
    }
    this.#enterCalls(this.#text.slice(at + opener.length), false);
    return true;
  }

  #readReasoning(parts: ParsedPart[]): boolean {
    if (!this.#reasoned) this.#text = this.#text.trimStart();
    const at = this.#text.indexOf(this.#closer);
    const end = at === -1 ? this.#text.length - openLength(this.#text, [this.#closer]) : at;
    const text = this.#text.slice(0, end).trimEnd();
    this.#giveReasoning(text, parts);
    if (at === -1) {
      this.#text = this.#text.slice(text.length);
      return false;
    }
    this.#reasoned = false;
    this.#enter("block", this.#text.slice(at + this.#closer.length));
    return true;
  }

  #readCalls(parts: ParsedPart[]): boolean {
    const rest = this.#reader!.push(this.#text, parts);
    this.#text = "";
    if (rest === undefined) return false;
    this.#enter(this.#reader!.isText ? "text" : "block", rest);
    return true;
  }

  #enter(state: "block" | "text" | "reasoning", text: string): void {
    this.#state = state;
    this.#text = text;
    this.#first = false;
  }

  #enterCalls(text: string, bare: boolean): void {
    const { format, tools } = this.#calls!;
    this.#reader = new CallReader(format, tools, bare);
    this.#state = "calls";
    this.#text = text;
    this.#first = false;
  }

  #giveReasoning(text: string, parts: ParsedPart[]): void {
    if (text === "") return;
    this.#reasoned = true;
    parts.push({ type: "reasoning-delta", text });
  }
}

function giveText(text: string, parts: ParsedPart[]): void {
  if (text !== "") parts.push({ type: "text-delta", text });
}
