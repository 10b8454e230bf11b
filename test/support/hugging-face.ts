import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const server = fileURLToPath(new URL("../reference/server.py", import.meta.url));
const libraries = fileURLToPath(new URL("../../.cache/python", import.meta.url));

/** Hugging Face's `tokenizers`, and `transformers` for its chat templates, in a Python process of their own. */
export class HuggingFace implements AsyncDisposable {
  readonly #python: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #last: Promise<unknown> = Promise.resolve();

  constructor() {
    const env = { ...process.env, PYTHONPATH: libraries, TRANSFORMERS_VERBOSITY: "error" };
    this.#python = spawn("python3", [server], { env, stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#python.stdout! })[Symbol.asyncIterator]();
  }

  /** Names of the tokenizers that `train` knows. */
  families(): Promise<string[]> {
    return this.#call("families", {});
  }

  /** Trains a small tokenizer, and gives its `tokenizer.json`. */
  train(name: string, corpus: readonly string[]): Promise<string> {
    return this.#call("train", { name, corpus });
  }

  load(name: string, path: string): Promise<void> {
    return this.#call("load", { name, path });
  }

  /** The texts without characters that the versions of Unicode of Python and of its library do not know. */
  assigned(texts: readonly string[]): Promise<string[]> {
    return this.#call("assigned", { texts });
  }

  encode(
    name: string,
    texts: readonly string[],
    addSpecial: boolean,
    parseSpecial: boolean,
  ): Promise<number[][]> {
    return this.#call("encode", { name, texts, add_special: addSpecial, parse_special: parseSpecial });
  }

  /** The texts of lists of tokens, without special tokens. */
  decode(name: string, ids: readonly (readonly number[])[]): Promise<string[]> {
    return this.#call("decode", { name, ids });
  }

  /** What transformers makes of a chat template. */
  render(template: string, variables: object): Promise<{ text: string } | { error: string }> {
    return this.#call("render", { template, variables });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#python, "close");
    this.#python.stdin!.end();
    await closed;
  }

  #call<T>(method: string, args: object): Promise<T> {
    const answer = this.#last.then(async () => {
      this.#python.stdin!.write(`${JSON.stringify({ method, arguments: args })}\n`);
      const { value: line, done } = await this.#lines.next();
      if (done) throw new Error("Python ended. Are its libraries there? npm run setup");
      const { error, result } = JSON.parse(line);
      if (error !== undefined) throw new Error(`${method}: ${error}`);
      return result as T;
    });
    this.#last = answer.catch(() => {});
    return answer;
  }
}
