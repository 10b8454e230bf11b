import { ObjectError } from "../errors.ts";
import type { GenerationResult } from "../generation-result.ts";
import type { CompiledSchema } from "../schema/schema.ts";
import { GenerationStream } from "../stream/generation-stream.ts";
import { PullQueue } from "../stream/pull-queue.ts";
import type { TextStream } from "../stream/text-stream.ts";
import { parsePartialJson } from "./partial-json.ts";

/** An earlier state of a value: all that is not there yet is missing. */
export type Partially<T> = T extends readonly (infer Item)[]
  ? Partially<Item>[]
  : T extends object
    ? { [Key in keyof T]?: Partially<T[Key]> }
    : T;

export interface ObjectResult<T> extends GenerationResult {
  readonly object: T;
}

/**
 * One object as it is made: each item is its state so far, as the model wrote it; only the result's object has been held
 * against the schema.
 */
export class ObjectStream<T> extends GenerationStream<Partially<T>, ObjectResult<T>> {
  readonly #texts: TextStream;
  readonly #schema: CompiledSchema<T>;
  #result: Promise<ObjectResult<T>> | undefined;

  constructor(texts: TextStream, schema: CompiledSchema<T>) {
    super();
    this.#texts = texts;
    this.#schema = schema;
  }

  /** Rejects with ObjectError too: the answer ended before the object did, or does not fit the schema. */
  get result(): Promise<ObjectResult<T>> {
    if (this.#result === undefined) {
      this.#result = this.#texts.result.then((result) => ({ ...result, object: this.#object(result) }));
      this.#result.catch(() => {});
    }
    return this.#result;
  }

  cancel(): void {
    this.#texts.cancel();
  }

  [Symbol.asyncIterator](): AsyncIterator<Partially<T>, undefined> {
    const texts = this.#texts[Symbol.asyncIterator]();
    let text = "";
    let shown: string | undefined;
    const queue = new PullQueue<Partially<T>>(async () => {
      const { done, value } = await texts.next();
      if (done) return undefined;
      text += value.text;
      const state = parsePartialJson(text);
      const json = JSON.stringify(state);
      if (json === shown) return [];
      shown = json;
      return [state as Partially<T>];
    });
    return queue.iterator(() => texts.return?.());
  }

  /** The object's JSON. */
  get textStream(): AsyncIterable<string> {
    return this.#texts.textStream;
  }

  #object({ text, finishReason }: GenerationResult): T {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      const cut = {
        length: "maxTokens",
        "timed-out": "timeoutMs",
        stop: "a stop string",
        cancelled: "cancel()",
      };
      const by = finishReason === "end" ? "the model" : cut[finishReason];
      throw new ObjectError(
        "ERR_OBJECT_INCOMPLETE",
        `The answer was ended by ${by} before the object was complete. Raise the limit, or ask for a smaller object. ` +
          `There was: ${text}`,
        text,
        { cause: error },
      );
    }
    const checked = this.#schema.check(value);
    if (checked.ok) return checked.value;
    throw new ObjectError(
      "ERR_OBJECT_INVALID",
      `The object does not fit the schema: ${checked.problem}. There was: ${text}`,
      text,
    );
  }
}
