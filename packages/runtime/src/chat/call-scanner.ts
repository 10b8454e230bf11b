const argumentKeys = ["arguments", "parameters"];

/**
 * Reads one JSON object `{"name": ..., "arguments": {...}}` as it comes, in any order of keys. It follows only strings
 * and brackets; whether the object is JSON is for a parser to say, once it is whole.
 */
export class CallScanner {
  #text = "";
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Where the string that is open began. */
  #stringStart = 0;
  #position: "key" | "colon" | "value" | "in-value" | "after-value" = "key";
  #key = "";
  #valueStart = 0;
  #arguments: { readonly start: number; end: number | undefined } | undefined;
  #taken = 0;

  /** Of the value of "name", once it is known. */
  name: string | undefined;
  state: "open" | "whole" | "malformed" = "open";

  get text(): string {
    return this.#text;
  }

  get hasArguments(): boolean {
    return this.#arguments !== undefined;
  }

  /** Takes what belongs to the object, and returns how many characters that was. */
  push(text: string): number {
    for (let index = 0; index < text.length; index++) {
      if (this.state === "open") this.#read(text[index]!);
      if (this.state === "malformed") return index;
      if (this.state === "whole") return index + 1;
    }
    return text.length;
  }

  /** The arguments' JSON text that came since the last call; none before the name is known. */
  takeArguments(): string {
    if (this.name === undefined || this.#arguments === undefined) return "";
    const { start, end = this.#text.length } = this.#arguments;
    const text = this.#text.slice(start + this.#taken, end);
    this.#taken += text.length;
    return text;
  }

  #read(character: string): void {
    const at = this.#text.length;
    this.#text += character;
    if (this.#inString) this.#readInString(character, at);
    else if (character === '"') this.#beginString(at);
    else if (character === "{" || character === "[") this.#open(at);
    else if (character === "}" || character === "]") this.#close(at);
    else if (this.#depth === 1 && character === ":" && this.#position === "colon") this.#position = "value";
    else if (this.#depth === 1 && character === ",") this.#endValue(at, "key");
    else if (/[-+.\w]/.test(character)) this.#beginValue(at);
    else if (!/[\s:,]/.test(character)) this.#fail(at);
  }

  #readInString(character: string, at: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (character === "\\") this.#escaped = true;
    else if (character === '"') {
      this.#inString = false;
      if (this.#depth !== 1) return;
      if (this.#position === "key") {
        this.#key = this.#text.slice(this.#stringStart + 1, at);
        this.#position = "colon";
      } else if (this.#key === "name") this.name ??= parseString(this.#text.slice(this.#valueStart));
    }
  }

  #beginString(at: number): void {
    this.#inString = true;
    this.#stringStart = at;
    this.#beginValue(at);
  }

  #open(at: number): void {
    if (this.#depth === 0) this.#position = "key";
    else {
      this.#beginValue(at);
      if (this.#depth === 1 && argumentKeys.includes(this.#key))
        this.#arguments ??= { start: at, end: undefined };
    }
    this.#depth += 1;
  }

  #close(at: number): void {
    this.#depth -= 1;
    if (this.#depth === 1) this.#endValue(at + 1, "after-value");
    else if (this.#depth === 0) {
      this.#endValue(at, "after-value");
      this.state = "whole";
    }
  }

  #beginValue(at: number): void {
    if (this.#depth !== 1 || this.#position !== "value") return;
    this.#position = "in-value";
    this.#valueStart = at;
  }

  #endValue(end: number, next: "key" | "after-value"): void {
    if (this.#arguments !== undefined) this.#arguments.end ??= end;
    this.#position = next;
  }

  /** The character does not belong to the object. */
  #fail(at: number): void {
    this.#text = this.#text.slice(0, at);
    this.state = "malformed";
  }
}

function parseString(json: string): string | undefined {
  try {
    return JSON.parse(json) as string;
  } catch {
    return undefined;
  }
}
