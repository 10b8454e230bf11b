import { bertNormalizer } from "./bert.ts";
import { createLibraryNormalizer, type Normalizer } from "./library.ts";
import { PrecompiledCharsmap } from "./precompiled-charsmap.ts";
import type { NormalizerJson } from "./tokenizer-files.ts";
import { leadingSpaceEnd, trailingSpaceStart } from "./whitespace.ts";

/**
 * The normalizer that a `tokenizer.json` describes, as the tokenizers library in Python runs it.
 * @throws Error: of a kind that is not known
 */
export function createNormalizer(json: NormalizerJson | null): Normalizer | undefined {
  if (json === null) return undefined;
  switch (json.type) {
    case "Sequence": {
      const parts = (json.normalizers ?? []).map((part) => createNormalizer(part)!);
      return (text) => parts.reduce((normalized, part) => bounded(part(normalized), text), text);
    }
    case "Precompiled": {
      const charsmap = new PrecompiledCharsmap(json.precompiled_charsmap ?? "");
      return (text) => charsmap.normalize(text);
    }
    case "BertNormalizer":
      return bertNormalizer(json);
    case "Prepend":
      return (text) => (text === "" ? "" : `${json.prepend ?? ""}${text}`);
    case "Strip":
      return (text) => {
        const start = json.strip_left ? leadingSpaceEnd(text, 0) : 0;
        return text.slice(start, json.strip_right ? trailingSpaceStart(text, start, text.length) : undefined);
      };
    default:
      return createLibraryNormalizer(json);
  }
}

/** Of the normalizations of Unicode the longest makes 18 characters of one. */
const mostGrowth = 64;

/** @throws Error: a normalizer made a text of another size out of it */
export function bounded(normalized: string, text: string): string {
  if (normalized.length <= mostGrowth * (text.length + 16)) return normalized;
  throw new Error(`its normalizer makes ${normalized.length} characters of ${text.length}`);
}
