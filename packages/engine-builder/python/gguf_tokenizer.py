"""The tokenizer of a Hugging Face model in a GGUF. The runtime reads tokenizer.json itself; what is in the GGUF tells the
executor which bytes each token stands for, which grammars need, and what ends an answer."""

import json
from pathlib import Path

import gguf
from gguf import TokenType

# How llama.cpp calls the rules that cut a text into words, by what only the pattern of each holds.
PRE_TOKENIZERS = [("\\p{N}{1,3}", "llama-bpe"), ("(?i:'s|'t", "qwen2"), ('"Digits"', "smollm")]


def add_tokenizer(writer, model, vocabulary_size):
    """Returns what could not be told, or None."""
    path = Path(model) / "tokenizer.json"
    document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    bpe = document.get("model", {})
    if bpe.get("type") != "BPE":
        writer.add_tokenizer_model("none")
        writer.add_vocab_size(vocabulary_size)
        return "There is no tokenizer.json of byte pair encoding, so the GGUF has no vocabulary: grammars will not work."
    byte_level = "ByteLevel" in json.dumps([document.get("pre_tokenizer"), document.get("decoder")])
    tokens, kinds = _tokens(document, vocabulary_size, byte_level)
    writer.add_tokenizer_model("gpt2" if byte_level else "llama")
    if byte_level:
        cuts = json.dumps(document.get("pre_tokenizer"))
        writer.add_tokenizer_pre(next((name for part, name in PRE_TOKENIZERS if json.dumps(part)[1:-1] in cuts or part in cuts), "gpt-2"))
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    if not byte_level:
        # A piece that is merged earlier has the lower number.
        writer.add_token_scores([-float(index) for index in range(len(tokens))])
    gguf.SpecialVocab(model, load_merges=byte_level, n_vocab=vocabulary_size).add_to_gguf(writer, quiet=True)
    return None


def _tokens(document, size, byte_level):
    tokens = [f"[UNUSED{index}]".encode() for index in range(size)]
    kinds = [TokenType.UNUSED] * size
    for token, index in document["model"]["vocab"].items():
        tokens[index] = token.encode()
        is_byte = not byte_level and len(token) == 6 and token.startswith("<0x") and token.endswith(">")
        kinds[index] = TokenType.BYTE if is_byte else TokenType.NORMAL
    for added in document.get("added_tokens", []):
        tokens[added["id"]] = added["content"].encode()
        kinds[added["id"]] = TokenType.CONTROL if added["special"] else TokenType.USER_DEFINED
    return tokens, kinds
