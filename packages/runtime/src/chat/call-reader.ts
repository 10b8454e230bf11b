import type { ParsedPart } from "./chat-part.ts";
import { malformedCall, OpenCall } from "./open-call.ts";
import type { ToolFormat } from "./tool-format.ts";
import type { ToolSet } from "./tools.ts";

/** What may stand between calls: separators, and the brackets of a list, but not the "[" of a mark. */
const between = /^(?:[\s,;\]]|\[(?=[\s{\]]))+/;
/** Mistral's `name[ARGS]` and `name[CALL_ID]id[ARGS]`, and what may become one. */
const namedCall = /^([\w.-]+)(?:\[CALL_ID\]\w+)?\[ARGS\](?=\{)/;
const namedCallOpen =
  /^[\w.-]+(?:\[(?:C|CA|CAL|CALL|CALL_|CALL_I|CALL_ID|CALL_ID\]\w*)?)?(?:\[(?:A|AR|ARG|ARGS|ARGS\])?)?$/;

/** Reads the calls of one block, from behind its opener on. */
export class CallReader {
  readonly #format: ToolFormat;
  readonly #tools: ToolSet;
  readonly #bare: boolean;
  #text = "";
  #call: OpenCall | undefined;
  #calls = 0;
  /** What has no meaning here goes on to the closer, or to the end of the answer. */
  #malformed = false;

  /** @param bare the block has no opener: an object in it that is no call is text */
  constructor(format: ToolFormat, tools: ToolSet, bare: boolean) {
    this.#format = format;
    this.#tools = tools;
    this.#bare = bare;
  }

  /** The block was no call but text, and what is behind it continues that text. */
  get isText(): boolean {
    return this.#call?.isText ?? false;
  }

  /** Adds to `parts`. Returns the text behind the block once it is over, until then `undefined`. */
  push(text: string, parts: ParsedPart[]): string | undefined {
    this.#text += text;
    for (;;) {
      if (this.#malformed) return this.#skipMalformed(parts);
      const over = this.#call === undefined ? this.#beginCall() : this.#readCall(this.#call, parts);
      if (over !== "more") return over;
    }
  }

  /** The answer has ended within the block. */
  end(parts: ParsedPart[]): void {
    const { closer = "" } = this.#format;
    const left = this.#text.replace(between, "").trimEnd();
    if (this.#malformed) this.#failCall(this.#text, parts);
    else if (this.#call?.isText) parts.push({ type: "text-delta", text: this.#call.text });
    else if (this.#call !== undefined) {
      const message = "The answer ended before the tool call was complete.";
      this.#call.fail({ reason: "incomplete", message }, this.#call.text, parts);
    } else if (!closer.startsWith(left) || this.#calls === 0) parts.push(malformedCall(left));
  }

  /** "more": go on at once. `undefined`: wait for more text. A text: the block is over, and this is behind it. */
  #beginCall(): string | "more" | undefined {
    const { opener, closer } = this.#format;
    this.#text = this.#text.replace(between, "");
    const text = this.#text;
    if (closer !== undefined && text.startsWith(closer) && this.#calls > 0) return text.slice(closer.length);
    // A call that was not closed before the next one is opened.
    if (text.startsWith(opener)) this.#text = text.slice(opener.length);
    else if (text.startsWith("{")) this.#call = new OpenCall(this.#tools, undefined, this.#bare);
    else if (text === "[" || opener.startsWith(text) || closer?.startsWith(text)) return undefined;
    else return this.#beginOther(text);
    return "more";
  }

  #beginOther(text: string): string | "more" | undefined {
    const { closer, inner } = this.#format;
    const [mark, name] = (inner.length > 0 && namedCall.exec(text)) || [];
    if (mark !== undefined) {
      this.#text = text.slice(mark.length);
      this.#call = new OpenCall(this.#tools, { name: name!, mark }, false);
    } else if (inner.length > 0 && namedCallOpen.test(text)) return undefined;
    else if (closer === undefined && this.#calls > 0) return text;
    else this.#malformed = true;
    return "more";
  }

  #readCall(call: OpenCall, parts: ParsedPart[]): string | "more" | undefined {
    this.#text = this.#text.slice(call.push(this.#text, parts));
    if (call.state === "open") return undefined;
    this.#calls += 1;
    if (call.isText) {
      parts.push({ type: "text-delta", text: call.text });
      return this.#text;
    }
    if (call.state === "malformed") {
      this.#malformed = true;
      return "more";
    }
    call.finish(parts);
    this.#call = undefined;
    return "more";
  }

  #skipMalformed(parts: ParsedPart[]): string | undefined {
    const { closer } = this.#format;
    const end = closer === undefined ? -1 : this.#text.indexOf(closer);
    if (closer === undefined || end === -1) return undefined;
    this.#failCall(this.#text.slice(0, end), parts);
    return this.#text.slice(end + closer.length);
  }

  #failCall(rest: string, parts: ParsedPart[]): void {
    const text = (this.#call?.text ?? "") + rest;
    if (this.#call === undefined) parts.push(malformedCall(text));
    else
      this.#call.fail(
        { reason: "malformed", message: `The tool call is not valid JSON: ${text}` },
        text,
        parts,
      );
  }
}
