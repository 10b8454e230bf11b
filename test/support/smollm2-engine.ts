import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { gguf } from "@huggingface/gguf";
import { modelPath } from "./model.ts";

export interface EngineDirectory extends AsyncDisposable {
  readonly path: string;
  /** The tokenizer files that were written, by name. */
  readonly tokenizerJson: object;
  readonly tokenizerConfig: object;
}

/**
 * An engine directory as a Hugging Face export would be: the test model, and beside it the tokenizer files made
 * of the vocabulary and merges in its GGUF.
 */
export async function engineDirectory(): Promise<EngineDirectory> {
  const model = modelPath();
  const parsed = await gguf(model, { allowLocalFile: true });
  const metadata = parsed.metadata as Record<string, unknown>;
  const tokens = metadata["tokenizer.ggml.tokens"] as string[];
  const types = metadata["tokenizer.ggml.token_type"] as number[];
  const merges = metadata["tokenizer.ggml.merges"] as string[];
  const tokenizerJson = {
    version: "1.0",
    added_tokens: tokens.flatMap((content, id) => (types[id] === CONTROL ? [addedToken(id, content)] : [])),
    normalizer: null,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Digits", individual_digits: true },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { type: "BPE", vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges },
  };
  const tokenizerConfig = {
    bos_token: tokens[metadata["tokenizer.ggml.bos_token_id"] as number],
    eos_token: tokens[metadata["tokenizer.ggml.eos_token_id"] as number],
    chat_template: metadata["tokenizer.chat_template"],
  };
  const path = await mkdtemp(join(tmpdir(), "engine-"));
  await symlink(model, join(path, basename(model)));
  await writeFile(join(path, "tokenizer.json"), JSON.stringify(tokenizerJson));
  await writeFile(join(path, "tokenizer_config.json"), JSON.stringify(tokenizerConfig));
  return {
    path,
    tokenizerJson,
    tokenizerConfig,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}

/** Token type of a GGUF vocabulary. */
const CONTROL = 3;

function addedToken(id: number, content: string) {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
}
