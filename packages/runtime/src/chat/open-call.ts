import { randomInt } from "node:crypto";
import { CallScanner } from "./call-scanner.ts";
import type { ParsedPart, ToolCallError } from "./chat-part.ts";
import type { ToolSet } from "./tools.ts";

type Failure = Pick<ToolCallError, "reason" | "message">;

/** One tool call as it comes. */
export class OpenCall {
  readonly #id = callId();
  readonly #scanner = new CallScanner();
  readonly #tools: ToolSet;
  readonly #name: string | undefined;
  readonly #mark: string;
  readonly #bare: boolean;
  #started = false;
  #given = "";

  /**
   * @param named the object is only the arguments: the tool's name, and what was written before the object
   * @param bare nothing but its content says that the object is a call
   */
  constructor(
    tools: ToolSet,
    named: { readonly name: string; readonly mark: string } | undefined,
    bare: boolean,
  ) {
    this.#tools = tools;
    this.#name = named?.name;
    this.#mark = named?.mark ?? "";
    this.#bare = bare;
  }

  get state(): CallScanner["state"] {
    return this.#scanner.state;
  }

  get text(): string {
    return this.#mark + this.#scanner.text;
  }

  /** The object does not look like a call, and nothing said that it would. */
  get isText(): boolean {
    if (!this.#bare || this.#started) return false;
    return this.#scanner.name === undefined || !this.#scanner.hasArguments;
  }

  /** Takes what belongs to the call, and returns how many characters that was. */
  push(text: string, parts: ParsedPart[]): number {
    const length = this.#scanner.push(text);
    const name = this.#name ?? this.#scanner.name;
    if (name === undefined || (this.#bare && !this.#tools.has(name))) return length;
    this.#start(name, parts);
    this.#give(this.#name === undefined ? this.#scanner.takeArguments() : text.slice(0, length), parts);
    return length;
  }

  /** Judges the call, whose object is whole. */
  finish(parts: ParsedPart[]): void {
    let object: Record<string, unknown>;
    try {
      object = JSON.parse(this.#scanner.text) as Record<string, unknown>;
    } catch (error) {
      const message = `The tool call is not valid JSON: ${(error as Error).message}`;
      this.fail({ reason: "malformed", message }, this.text, parts);
      return;
    }
    const name = this.#name ?? object.name;
    const values = this.#name === undefined ? argumentsOf(object) : object;
    if (typeof name !== "string" || values === undefined) {
      const message = 'The tool call must be an object with a string "name" and an object "arguments".';
      this.fail({ reason: "malformed", message }, this.text, parts);
      return;
    }
    this.#start(name, parts);
    if (this.#given === "") this.#give(this.#scanner.takeArguments() || JSON.stringify(values), parts);
    const failure = this.#check(name, values);
    if (failure !== undefined) this.fail(failure, this.text, parts);
    else parts.push({ type: "tool-call-end", id: this.#id, name, arguments: values });
  }

  /** @param text what the model wrote, with what followed the object */
  fail(failure: Failure, text: string, parts: ParsedPart[]): void {
    const name = this.#name ?? this.#scanner.name;
    parts.push({
      type: "tool-call-error",
      id: this.#id,
      ...(name !== undefined && { name }),
      ...failure,
      text,
    });
  }

  #start(name: string, parts: ParsedPart[]): void {
    if (this.#started) return;
    this.#started = true;
    parts.push({ type: "tool-call-start", id: this.#id, name });
  }

  #give(text: string, parts: ParsedPart[]): void {
    if (text === "") return;
    this.#given += text;
    parts.push({ type: "tool-call-delta", id: this.#id, text });
  }

  #check(name: string, values: Record<string, unknown>): Failure | undefined {
    if (!this.#tools.has(name)) {
      const known = this.#tools.names.join(", ");
      return {
        reason: "unknown-tool",
        message: `There is no tool ${JSON.stringify(name)}. The tools are: ${known}.`,
      };
    }
    const checked = this.#tools.checkArguments(name, values);
    if (checked.ok) return undefined;
    return {
      reason: "invalid-arguments",
      message: `The arguments of ${name} are not valid: ${checked.problem}`,
    };
  }
}

/** Of a call that has none to read. */
export function malformedCall(text: string): ToolCallError {
  const message = `This is not a tool call: ${JSON.stringify(text)}`;
  return { type: "tool-call-error", id: callId(), reason: "malformed", message, text };
}

/** Some models write the arguments as JSON in a string; a call without any may leave them out. */
function argumentsOf({
  arguments: values,
  parameters,
}: Record<string, unknown>): Record<string, unknown> | undefined {
  let found: unknown = values ?? parameters ?? {};
  if (typeof found === "string") {
    try {
      found = JSON.parse(found);
    } catch {
      return undefined;
    }
  }
  const isObject = typeof found === "object" && found !== null && !Array.isArray(found);
  return isObject ? (found as Record<string, unknown>) : undefined;
}

const idCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/** Nine letters and digits: Mistral's chat templates take no other ids. */
function callId(): string {
  return Array.from({ length: 9 }, () => idCharacters[randomInt(idCharacters.length)]).join("");
}
