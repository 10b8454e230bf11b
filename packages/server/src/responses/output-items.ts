import { randomUUID } from "node:crypto";
import type { ChatPart } from "@trtllm-node/runtime";
import type { ChosenLogProb } from "../answer/log-probs.ts";

type ItemStatus = "in_progress" | "completed" | "incomplete";

/** One thing that the model has said, as the client sees it. */
export interface OutputItem {
  readonly id: string;
  readonly type: "message" | "reasoning" | "function_call";
  readonly status: ItemStatus;
  readonly [field: string]: unknown;
}

/** What has changed, in the words of OpenAI's stream; its number is given where it is sent. */
export interface OutputEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

type Kind = "text" | "reasoning";

interface OpenItem {
  readonly id: string;
  readonly kind: Kind | { readonly call_id: string; readonly name: string };
  text: string;
  /** Of the tokens of a text, where they were asked for. */
  readonly logprobs: ChosenLogProb[];
}

/** Makes items of the parts of an answer, and tells of each step. */
export class OutputItems {
  readonly #done: OutputItem[] = [];
  #open: OpenItem | undefined;

  /** Those that are whole. */
  get done(): readonly OutputItem[] {
    return this.#done;
  }

  /** @param told log-probabilities of the tokens since the last part that had any */
  push(part: ChatPart, told: readonly ChosenLogProb[] = []): OutputEvent[] {
    switch (part.type) {
      case "text-delta":
        return this.#give("text", part.text, told);
      case "reasoning-delta":
        return this.#give("reasoning", part.text);
      case "tool-call-start":
        return [...this.#close("completed"), ...this.#begin({ call_id: part.id, name: part.name })];
      case "tool-call-delta":
        return [this.#delta(part.text)];
      case "tool-call-end":
        return this.#close("completed");
      case "tool-call-error":
        if (!this.#isCall(part.id)) return this.#give("text", part.text);
        return this.#close(part.reason === "incomplete" ? "incomplete" : "completed");
    }
  }

  /** An answer without any text is an empty message. */
  end(status: "completed" | "incomplete"): OutputEvent[] {
    const begun = this.#open === undefined && this.#done.length === 0 ? this.#begin("text") : [];
    return [...begun, ...this.#close(status)];
  }

  #isCall(id: string): boolean {
    const kind = this.#open?.kind;
    return typeof kind === "object" && kind.call_id === id;
  }

  #give(kind: Kind, text: string, told: readonly ChosenLogProb[] = []): OutputEvent[] {
    const begun = this.#open?.kind === kind ? [] : [...this.#close("completed"), ...this.#begin(kind)];
    return [...begun, this.#delta(text, told)];
  }

  #begin(kind: OpenItem["kind"]): OutputEvent[] {
    const prefix = kind === "text" ? "msg" : kind === "reasoning" ? "rs" : "fc";
    this.#open = { id: `${prefix}_${randomUUID().replaceAll("-", "")}`, kind, text: "", logprobs: [] };
    const added = {
      type: "response.output_item.added",
      output_index: this.#done.length,
      item: itemOf(this.#open, "in_progress"),
    };
    if (typeof kind === "object") return [added];
    return [
      added,
      {
        type: "response.content_part.added",
        ...this.#at(),
        content_index: 0,
        part: partOf(kind, this.#open),
      },
    ];
  }

  #delta(delta: string, told: readonly ChosenLogProb[] = []): OutputEvent {
    const open = this.#open!;
    open.text += delta;
    open.logprobs.push(...told);
    if (typeof open.kind === "object") {
      return { type: "response.function_call_arguments.delta", ...this.#at(), delta };
    }
    return {
      type: `${eventOf(open.kind)}.delta`,
      ...this.#at(),
      content_index: 0,
      delta,
      ...(open.kind === "text" && { logprobs: told }),
    };
  }

  #close(status: "completed" | "incomplete"): OutputEvent[] {
    const open = this.#open;
    if (open === undefined) return [];
    const { kind, text } = open;
    const at = this.#at();
    const item = itemOf(open, status);
    const done = { type: "response.output_item.done", output_index: at.output_index, item };
    this.#open = undefined;
    this.#done.push(item);
    if (typeof kind === "object") {
      const { name } = kind;
      return [{ type: "response.function_call_arguments.done", ...at, name, arguments: text }, done];
    }
    return [
      {
        type: `${eventOf(kind)}.done`,
        ...at,
        content_index: 0,
        text,
        ...(kind === "text" && { logprobs: open.logprobs }),
      },
      { type: "response.content_part.done", ...at, content_index: 0, part: partOf(kind, open) },
      done,
    ];
  }

  #at() {
    return { item_id: this.#open!.id, output_index: this.#done.length };
  }
}

function eventOf(kind: Kind): string {
  return kind === "text" ? "response.output_text" : "response.reasoning_text";
}

function partOf(kind: Kind, { text, logprobs }: Pick<OpenItem, "text" | "logprobs">): object {
  if (kind === "reasoning") return { type: "reasoning_text", text };
  return { type: "output_text", text, annotations: [], logprobs: [...logprobs] };
}

function itemOf({ id, kind, ...said }: OpenItem, status: ItemStatus): OutputItem {
  if (typeof kind === "object") return { id, type: "function_call", status, ...kind, arguments: said.text };
  // Of what has only begun the part comes with an event of its own.
  const content = status === "in_progress" ? [] : [partOf(kind, said)];
  if (kind === "reasoning") return { id, type: "reasoning", status, summary: [], content };
  return { id, type: "message", status, role: "assistant", content };
}
