import { once } from "node:events";
import type { Worker } from "node:worker_threads";
import { startWorker } from "./encoder-thread.ts";
import type { PartRequest } from "./encoder-worker.ts";
import { createLibraryTokenizer, type LibraryTokenizer } from "./library.ts";
import type { TokenizerJson } from "./tokenizer-files.ts";
import type { TokenizerPart } from "./tokenizer-parts.ts";

interface LoadedTokenizer {
  /** Without the vocabulary and the merges of its model. */
  readonly description: TokenizerJson;
  readonly library: LibraryTokenizer;
}

/**
 * Parses a large `tokenizer.json` on a thread and takes its vocabulary in by parts, so that the event loop turns meanwhile.
 * `undefined` where that cannot be done: its model is no BPE, or it is wrong.
 * @param json its bytes, in memory that threads can share
 */
export async function loadInParts(json: Uint8Array): Promise<LoadedTokenizer | undefined> {
  const worker = startWorker({ json });
  try {
    const first = await nextPart(worker);
    if (!("description" in first)) return undefined;
    const { description } = first;
    const library = createLibraryTokenizer(description);
    const { model } = library;
    for (;;) {
      const part = await nextPart(worker);
      if ("tokens" in part) {
        part.tokens.forEach((token, index) => {
          model.tokens_to_ids.set(token, part.ids[index]!);
          model.vocab[part.ids[index]!] = token;
        });
      } else if ("merges" in part) {
        part.merges.forEach((merge, index) => {
          model.bpe_ranks.set(merge, part.first + index);
        });
      } else break;
    }
    model.unk_token_id = model.tokens_to_ids.get(model.unk_token ?? "");
    for (const { content, id } of description.added_tokens) {
      model.tokens_to_ids.set(content, id);
      model.vocab[id] = content;
    }
    return { description, library };
  } catch {
    return undefined; // whoever reads it whole says what is wrong
  } finally {
    await worker.terminate();
  }
}

async function nextPart(worker: Worker): Promise<TokenizerPart> {
  worker.postMessage({ next: true } satisfies PartRequest);
  const [part] = (await once(worker, "message")) as [TokenizerPart | { readonly error: string }];
  if ("error" in part) throw new Error(part.error);
  return part;
}
