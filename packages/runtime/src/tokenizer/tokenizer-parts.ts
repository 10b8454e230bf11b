import type { TokenizerJson } from "./tokenizer-files.ts";

/** Of a large vocabulary, so that taking one in takes a millisecond or two. */
const partSize = 4096;
export const mostTokens = 1 << 24;

/** What a thread makes of a `tokenizer.json`, one part after the other. */
export type TokenizerPart =
  /** All but the vocabulary and the merges of its model, which follow. */
  | { readonly description: TokenizerJson }
  | { readonly tokens: readonly string[]; readonly ids: readonly number[] }
  /** As the library looks them up, ranked from `first` on. */
  | { readonly merges: readonly string[]; readonly first: number }
  | { readonly end: true }
  /** It cannot be taken in by parts, and nothing follows. */
  | { readonly whole: true };

interface BpeJson {
  readonly type: "BPE";
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly (string | readonly string[])[];
}

/** @param json the text of a `tokenizer.json`, which may be anything */
export function* tokenizerParts(json: string): Generator<TokenizerPart, TokenizerPart> {
  const description = parse(json);
  const model = description && bpeModel(description);
  if (description === undefined || model === undefined) return { whole: true };
  yield {
    description: { ...description, model: { ...model, vocab: {}, merges: [] } as TokenizerJson["model"] },
  };
  const vocabulary = Object.entries(model.vocab);
  for (let at = 0; at < vocabulary.length; at += partSize) {
    const part = vocabulary.slice(at, at + partSize);
    yield { tokens: part.map(([token]) => token), ids: part.map(([, id]) => id) };
  }
  for (let first = 0; first < model.merges.length; first += partSize) {
    const part = model.merges.slice(first, first + partSize);
    yield {
      merges: part.map((pair) => JSON.stringify(typeof pair === "string" ? pair.split(" ", 2) : pair)),
      first,
    };
  }
  return { end: true };
}

function parse(json: string): TokenizerJson | undefined {
  try {
    return JSON.parse(json) as TokenizerJson;
  } catch {
    return undefined; // whoever reads it whole says what is wrong
  }
}

function bpeModel({ model }: Partial<TokenizerJson>): BpeJson | undefined {
  const { type, vocab, merges } = (model ?? {}) as Partial<BpeJson>;
  if (type !== "BPE" || typeof vocab !== "object" || vocab === null || !Array.isArray(merges))
    return undefined;
  const isId = (id: unknown) => Number.isInteger(id) && (id as number) >= 0 && (id as number) < mostTokens;
  return Object.values(vocab).every(isId) ? (model as unknown as BpeJson) : undefined;
}
