import { stat } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import type { EngineInfo, Vocabulary } from "@trtllm-node/core";
import { TokenizerError } from "../errors.ts";
import { HuggingFaceTokenizer } from "./hugging-face-tokenizer.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { readOptional, readTokenizerFiles } from "./tokenizer-files.ts";
import { VocabularyTokenizer } from "./vocabulary-tokenizer.ts";

export interface TokenizerSource {
  readonly engine: Pick<EngineInfo, "path" | "name" | "vocabularySize">;
  readonly vocabulary: Vocabulary | undefined;
}

/**
 * The tokenizer of an engine: that of the `tokenizer.json` in the engine directory, else the one that the engine
 * carries. A `chat_template.jinja` in the directory is used before any other chat template.
 * @throws TokenizerError
 */
export async function loadTokenizer({ engine, vocabulary }: TokenizerSource): Promise<Tokenizer> {
  const isDirectory = (await stat(engine.path)).isDirectory();
  // Files beside a lone GGUF may belong to any model.
  const files = isDirectory ? await readTokenizerFiles(engine.path) : undefined;
  const template = isDirectory ? await readOptional(engine.path, "chat_template.jinja") : undefined;
  if (files !== undefined) {
    // Parsing a large file took its time; building takes as much again.
    await setImmediate();
    const tokenizer = new HuggingFaceTokenizer(files, template);
    if (tokenizer.size > engine.vocabularySize) {
      throw new TokenizerError(
        `tokenizer.json in ${engine.path} has ${tokenizer.size} tokens, but the engine's vocabulary has ` +
          `${engine.vocabularySize}: they belong to different models. Copy the tokenizer files of ${engine.name}.`,
      );
    }
    return tokenizer;
  }
  if (vocabulary !== undefined) return new VocabularyTokenizer(vocabulary, template);
  throw new TokenizerError(
    `${engine.path} has no tokenizer.json, and the engine carries no vocabulary. Copy the model's tokenizer.json ` +
      "and tokenizer_config.json into the engine directory.",
  );
}
