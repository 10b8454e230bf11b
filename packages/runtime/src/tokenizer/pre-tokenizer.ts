import { bertPreTokenizer } from "./bert.ts";
import { ByteLevelAlphabet } from "./byte-level.ts";
import { compilePattern, createLibraryPreTokenizer, type PreTokenizer } from "./library.ts";
import type { PatternJson, PreTokenizerJson } from "./tokenizer-files.ts";

const gpt2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/**
 * The pre-tokenizer that a `tokenizer.json` describes, as the tokenizers library in Python runs it.
 * @throws Error: of a kind that is not known
 */
export function createPreTokenizer(json: PreTokenizerJson | null): PreTokenizer {
  if (json === null) return (piece) => [piece];
  switch (json.type) {
    case "Sequence":
      return sequence((json.pretokenizers ?? []).map(createPreTokenizer));
    case "Split":
      if (json.pattern === undefined) throw new Error("a Split without a pattern");
      return split(json.pattern, json.behavior ?? "Isolated", json.invert ?? false);
    case "ByteLevel":
      return byteLevel(json);
    case "BertPreTokenizer":
      return bertPreTokenizer;
    case "Metaspace":
      return metaspace(json);
    case "Digits":
      return split({ Regex: json.individual_digits ? "\\p{N}" : "\\p{N}+" }, "Isolated");
    case "Punctuation":
      return split({ Regex: "[\\p{P}!-/:-@\\[-`{-~]" }, json.behavior ?? "Isolated");
    case "Whitespace":
      return split({ Regex: "\\w+|[^\\w\\s]+" }, "Removed", true);
    case "WhitespaceSplit":
      return split({ Regex: "\\s" }, "Removed");
    default:
      return createLibraryPreTokenizer(json);
  }
}

function sequence(parts: readonly PreTokenizer[]): PreTokenizer {
  return (piece, isFirst) =>
    parts.reduce(
      (pieces, part) => pieces.flatMap((text, index) => part(text, isFirst && index === 0)),
      [piece],
    );
}

function byteLevel({
  add_prefix_space: prefix = true,
  use_regex: cut = true,
}: PreTokenizerJson): PreTokenizer {
  const words = cut ? split({ Regex: gpt2 }, "Isolated") : undefined;
  return (piece, isFirst) => {
    const text = prefix && !piece.startsWith(" ") ? ` ${piece}` : piece;
    return (words?.(text, isFirst) ?? [text]).map((word) => ByteLevelAlphabet.write(word));
  };
}

function metaspace(json: PreTokenizerJson): PreTokenizer {
  const { replacement = "▁", prepend_scheme: prepend = "always", split: cut = true } = json;
  const words = cut ? split({ String: replacement }, "MergedWithNext") : undefined;
  return (piece, isFirst) => {
    const marked = piece.replaceAll(" ", replacement);
    const prepends = prepend === "always" || (prepend === "first" && isFirst);
    const text = prepends && !marked.startsWith(replacement) ? replacement + marked : marked;
    return words?.(text, isFirst) ?? [text];
  };
}

interface Span {
  readonly text: string;
  readonly matches: boolean;
}

/** @param invert what does not match is what is looked for */
function split(pattern: PatternJson, behavior: string, invert = false): PreTokenizer {
  const regex = compilePattern(pattern);
  const join = behaviors[behavior];
  if (join === undefined) throw new Error(`Unknown behavior of a Split: ${behavior}`);
  return (piece) => join(spans(piece, regex, invert));
}

function spans(text: string, regex: RegExp, invert: boolean): Span[] {
  const found: Span[] = [];
  let done = 0;
  for (const { index, 0: match } of text.matchAll(regex)) {
    if (match === "") continue;
    if (index > done) found.push({ text: text.slice(done, index), matches: invert });
    found.push({ text: match, matches: !invert });
    done = index + match.length;
  }
  if (done < text.length) found.push({ text: text.slice(done), matches: invert });
  return found;
}

const behaviors: Readonly<Record<string, (spans: Span[]) => string[]>> = {
  Isolated: (spans) => spans.map(({ text }) => text),
  Removed: (spans) => spans.filter(({ matches }) => !matches).map(({ text }) => text),
  Contiguous: (spans) => joined(spans, (before, span) => before.matches === span.matches),
  MergedWithPrevious: (spans) => joined(spans, (before, span) => span.matches && !before.matches),
  MergedWithNext: (spans) => joined(spans, (before, span) => before.matches && !span.matches),
};

/** Neighbours as one text wherever `belong` says so. */
function joined(spans: readonly Span[], belong: (before: Span, span: Span) => boolean): string[] {
  const texts: string[] = [];
  spans.forEach((span, index) => {
    const before = spans[index - 1];
    if (before !== undefined && belong(before, span)) texts[texts.length - 1] += span.text;
    else texts.push(span.text);
  });
  return texts;
}
