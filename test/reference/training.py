"""Small tokenizers, one for each way in which the model families cut text and put it together again."""

import io
import json

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

VOCABULARY = 1500

GPT4 = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN = LLAMA3.replace("{1,3}", "")
CASED = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
TEKKEN = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{CASED[0]}*{CASED[1]}+|[^\r\n\p{{L}}\p{{N}}]?{CASED[0]}+{CASED[1]}*|\p{{N}}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
O200K = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{CASED[0]}*{CASED[1]}+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    rf"|[^\r\n\p{{L}}\p{{N}}]?{CASED[0]}+{CASED[1]}*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{{N}}{{1,3}}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
DEEPSEEK = (
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
    r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIAL = ["<unk>", "<s>", "</s>"]


def byte_level(*before, normalizer=None, use_regex=False, prefix_space=False, added=(), bos=None):
    tokenizer = Tokenizer(models.BPE())
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [*before, pre_tokenizers.ByteLevel(add_prefix_space=prefix_space, use_regex=use_regex)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )

    def finish(corpus):
        tokenizer.train_from_iterator(corpus, trainer)
        tokenizer.add_tokens([AddedToken("<think>", normalized=False), *added])
        if bos:
            tokenizer.post_processor = processors.Sequence(
                [
                    processors.ByteLevel(trim_offsets=False),
                    processors.TemplateProcessing(f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))]),
                ]
            )
        return tokenizer

    return finish


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def ignoring_merges(corpus):
    """Llama 3 takes a piece that is a token as it is, whatever its merges say."""
    description = json.loads(byte_level(split(LLAMA3), bos="<|endoftext|>")(corpus).to_str())
    description["model"]["ignore_merges"] = True
    return Tokenizer.from_str(json.dumps(description))


def byte_fallback(normalizer, pre_tokenizer, strip, added=()):
    """BPE as converted from SentencePiece."""

    def finish(corpus):
        tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
        if normalizer:
            tokenizer.normalizer = normalizer
        # The trainer needs words; the finished tokenizer has merges that go across spaces only where there are none.
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
        tokens = SPECIAL + [f"<0x{byte:02X}>" for byte in range(256)]
        trainer = trainers.BpeTrainer(
            vocab_size=VOCABULARY, special_tokens=tokens, limit_alphabet=300, show_progress=False
        )
        tokenizer.train_from_iterator(corpus, trainer)
        description = json.loads(tokenizer.to_str())
        description["added_tokens"] = description["added_tokens"][: len(SPECIAL)]
        tokenizer = Tokenizer.from_str(json.dumps(description))
        if pre_tokenizer:
            tokenizer.pre_tokenizer = pre_tokenizer
        else:
            tokenizer = without_pre_tokenizer(tokenizer)
        last = [decoders.Strip(" ", 1, 0)] if strip else []
        tokenizer.decoder = decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *last]
        )
        tokenizer.post_processor = processors.TemplateProcessing(
            "<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
        )
        tokenizer.add_tokens(list(added))
        return tokenizer

    return finish


def without_pre_tokenizer(tokenizer):
    description = json.loads(tokenizer.to_str())
    description["pre_tokenizer"] = None
    return Tokenizer.from_str(json.dumps(description))


def unigram(corpus):
    """T5 and its kin: SentencePiece's own trainer, and what transformers makes of its model."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([line for text in corpus for line in text.split("\n") if line]),
        model_writer=model,
        vocab_size=600,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    tokenizer = Tokenizer(models.Unigram([(piece.piece, piece.score) for piece in proto.pieces], unk_id=2))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap),
            normalizers.Strip(left=False, right=True),
            normalizers.Replace(Regex(" {2,}"), "▁"),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.add_special_tokens(["<pad>", "</s>", "<unk>", "<extra_id_0>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        "$A </s>", special_tokens=[("</s>", tokenizer.token_to_id("</s>"))]
    )
    return tokenizer


def word_piece(lowercase):
    """BERT and its kin."""

    def finish(corpus):
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece(prefix="##")
        tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        trainer = trainers.WordPieceTrainer(
            vocab_size=VOCABULARY, special_tokens=tokens, limit_alphabet=400, show_progress=False
        )
        tokenizer.train_from_iterator(corpus, trainer)
        around = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
        tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=around)
        return tokenizer

    return finish


spaces = normalizers.Replace(" ", "▁")
phi_added = [AddedToken("<|user|>", rstrip=True, normalized=False, special=True), AddedToken("<|end|>", lstrip=True, normalized=False)]

TRAINERS = {
    "gpt-2": byte_level(use_regex=True),
    "gpt-2 with a prefix space": byte_level(use_regex=True, prefix_space=True),
    "llama-3": ignoring_merges,
    "qwen": byte_level(split(QWEN), normalizer=normalizers.NFC()),
    "tekken": byte_level(split(TEKKEN), bos="<|endoftext|>"),
    "phi-2": byte_level(use_regex=True, added=[AddedToken(" " * n, normalized=True) for n in range(31, 1, -1)]),
    "phi-4": byte_level(split(GPT4), added=phi_added),
    "gpt-oss": byte_level(split(O200K)),
    "smollm2": byte_level(pre_tokenizers.Digits(individual_digits=True), use_regex=True),
    "deepseek": byte_level(
        split(r"\p{N}{1,3}"), split(r"[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK)
    ),
    "falcon": byte_level(
        pre_tokenizers.Punctuation("contiguous"),
        pre_tokenizers.Digits(individual_digits=False),
        split("[0-9][0-9][0-9]"),
        use_regex=True,
    ),
    "llama-2": byte_fallback(normalizers.Sequence([normalizers.Prepend("▁"), spaces]), None, strip=True),
    "mistral": byte_fallback(None, pre_tokenizers.Metaspace(prepend_scheme="first", split=False), strip=True),
    "phi-3": byte_fallback(
        normalizers.Sequence([normalizers.Prepend("▁"), spaces]), None, strip=True, added=phi_added
    ),
    "gemma": byte_fallback(spaces, pre_tokenizers.Split(" ", "merged_with_previous"), strip=False),
    "t5": unigram,
    "bert": word_piece(lowercase=True),
    "bert cased": word_piece(lowercase=False),
}
