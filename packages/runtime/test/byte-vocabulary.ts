import type { TokenizeOptions, TokenPiece, Vocabulary } from "@trtllm-node/core";

export const IM_START = 256;
export const IM_END = 257;
export const BOS = 258;
const special = new Map([
  ["<|im_start|>", IM_START],
  ["<|im_end|>", IM_END],
  ["<s>", BOS],
]);

export const CHATML =
  "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** One token per byte, and three special ones. */
export function byteVocabulary(overrides: Partial<Vocabulary> = {}): Vocabulary {
  const pieces: TokenPiece[] = Array.from({ length: 256 }, (_, byte) => ({
    bytes: Uint8Array.of(byte),
    control: false,
  }));
  for (const text of special.keys()) pieces.push({ bytes: bytesOf(text), control: true });
  const addBos = overrides.addBos ?? false;
  return {
    size: pieces.length,
    bosId: BOS,
    eosId: IM_END,
    endIds: [IM_END],
    addBos,
    chatTemplate: CHATML,
    tokenize: (text, options) =>
      Int32Array.from([...(addBos && options?.addSpecial !== false ? [BOS] : []), ...split(text, options)]),
    async tokenizeAsync(text, options) {
      return this.tokenize(text, options);
    },
    pieces,
    ...overrides,
  };
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function split(text: string, options: TokenizeOptions | undefined): number[] {
  if (!options?.parseSpecial) return [...bytesOf(text)];
  const parts = text.split(/(<\|im_start\|>|<\|im_end\|>|<s>)/);
  return parts.flatMap((part) => special.get(part) ?? [...bytesOf(part)]);
}
