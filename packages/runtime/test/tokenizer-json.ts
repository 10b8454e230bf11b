import type { TokenizerJson } from "../src/tokenizer/tokenizer-files.ts";

const special = ["<unk>", "<s>", "</s>"];

const addedTokens = (first: number) =>
  [...special, "<think>"].map((content, index) => ({
    id: first + index,
    content,
    special: special.includes(content),
    normalized: false,
    lstrip: false,
    rstrip: false,
    single_word: false,
  }));

const beginWithBos = (id: number) => ({
  type: "TemplateProcessing",
  single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
  pair: [],
  special_tokens: { "<s>": { id: "<s>", ids: [id], tokens: ["<s>"] } },
});

/** Byte-level BPE over the 256 bytes, with a few merges. */
export function byteLevelTokenizerJson(): TokenizerJson {
  const bytes = Array.from({ length: 256 }, (_, byte) => byteCharacter(byte));
  const merges = ["h e", "Ġ t", "Ã ©", "ð Ł"];
  const tokens = [...bytes, ...merges.map((merge) => merge.replace(" ", ""))];
  return json({
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", vocab: vocabulary(tokens), merges },
    post_processor: beginWithBos(tokens.length + 1),
    added_tokens: addedTokens(tokens.length),
  });
}

/** BPE as converted from SentencePiece: "▁" for spaces, and bytes for what the vocabulary lacks. */
export function sentencePieceTokenizerJson(): TokenizerJson {
  const bytes = Array.from(
    { length: 256 },
    (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
  );
  const tokens = [...special, "<think>", ...bytes, "▁", "a", "b", "▁a", "é", "世"];
  return json({
    normalizer: { type: "Replace", pattern: { String: " " }, content: "▁" },
    pre_tokenizer: null,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        { type: "Strip", content: " ", start: 1, stop: 0 },
      ],
    },
    model: {
      type: "BPE",
      vocab: vocabulary(tokens),
      merges: ["▁ a"],
      unk_token: "<unk>",
      byte_fallback: true,
    },
    post_processor: beginWithBos(1),
    added_tokens: addedTokens(0),
  });
}

/** Complete enough for the library; typed as what the runtime reads of it. */
function json(parts: Record<string, unknown>): TokenizerJson {
  return parts as unknown as TokenizerJson;
}

function vocabulary(tokens: readonly string[]): Record<string, number> {
  return Object.fromEntries(tokens.map((token, id) => [token, id]));
}

/** The character that byte-level BPE writes for a byte. */
function byteCharacter(byte: number): string {
  const printable = (b: number) => (b > 0x20 && b < 0x7f) || (b > 0xa0 && b !== 0xad);
  if (printable(byte)) return String.fromCodePoint(byte);
  const index = Array.from({ length: byte }, (_, b) => b).filter((b) => !printable(b)).length;
  return String.fromCodePoint(0x100 + index);
}
