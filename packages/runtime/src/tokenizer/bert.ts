import type { Normalizer, PreTokenizer } from "./library.ts";
import type { NormalizerJson } from "./tokenizer-files.ts";

const dropped = /\uFFFD|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}]/gu;
/** One of the ranges begins late, as in the original. */
const ideograph =
  /[\u4E00-\u9FFF\u3400-\u4DBF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B920}-\u{2CEAF}\uF900-\uFAFF\u{2F800}-\u{2FA1F}]/gu;
const word = /[\p{P}!-/:-@[-`{-~]|[^\p{White_Space}\p{P}!-/:-@[-`{-~]+/gu;

/** White space becomes a space, control characters go, ideographs stand alone; then accents and capitals go. */
export function bertNormalizer(json: NormalizerJson): Normalizer {
  const { clean_text: clean = true, handle_chinese_chars: apart = true, lowercase = true } = json;
  const stripAccents = json.strip_accents ?? lowercase;
  return (text) => {
    let normalized = clean ? text.replace(dropped, "").replace(/\p{White_Space}/gu, " ") : text;
    if (apart) normalized = normalized.replace(ideograph, " $& ");
    if (stripAccents) normalized = normalized.normalize("NFD").replace(/\p{Mn}/gu, "");
    // Letter by letter: JavaScript ends a Greek word with another sigma.
    return lowercase ? Array.from(normalized, (letter) => letter.toLowerCase()).join("") : normalized;
  };
}

/** Words, and punctuation one by one. */
export const bertPreTokenizer: PreTokenizer = (piece) => piece.match(word) ?? [];
