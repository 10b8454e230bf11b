import { fileURLToPath } from "node:url";
import type { ExecutorRequest, TokenStream } from "@trtllm-node/core";
import { LLM, loadTokenizer } from "@trtllm-node/runtime";
import { bytesOf } from "../../runtime/test/byte-vocabulary.ts";
import { type Script, ScriptedExecutor } from "../../runtime/test/scripted-executor.ts";
import { trtllm } from "../src/index.ts";

/** Its own path stands for the engine's file, which must exist. */
const engine = { path: fileURLToPath(import.meta.url), maxSequenceTokens: 100_000, kvBlocks: 100_000 };

/** Gives each request the next script, and in the end the last one again. */
class ScriptsExecutor extends ScriptedExecutor {
  readonly #executors: readonly ScriptedExecutor[];

  constructor(scripts: readonly Script[]) {
    super(undefined, { engine });
    this.#executors = scripts.map((script) => new ScriptedExecutor(script, { engine }));
  }

  override submit(request: ExecutorRequest): TokenStream {
    this.requests.push(request);
    const index = Math.min(this.requests.length, this.#executors.length) - 1;
    return this.#executors[index]!.submit(request);
  }

  get cancellations(): number {
    return this.#executors.reduce((sum, { cancelled }) => sum + cancelled, 0);
  }
}

/** A text as a script: a chunk for each byte. */
export function says(text: string, script: Omit<Script, "chunks"> = {}): Script {
  return { chunks: [...bytesOf(text)].map((byte) => [byte]), ...script };
}

/** A model of which each byte is a token, that says what the scripts say. */
export async function scriptedModel(...scripts: readonly Script[]) {
  const executor = new ScriptsExecutor(scripts);
  const llm = new LLM(executor, await loadTokenizer(executor));
  /** What a request asked, without the marks of turns. */
  const promptText = (index = 0) =>
    Buffer.from([...executor.requests[index]!.tokens].filter((token) => token < 256)).toString();
  return { executor, llm, model: trtllm(llm), promptText };
}
