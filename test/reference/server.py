"""Answers one JSON request a line, with what Hugging Face's Python libraries say."""

import json
import sys
import unicodedata

import training
from tokenizers import Tokenizer

tokenizers = {}


def load(name, path=None, text=None):
    tokenizers[name] = Tokenizer.from_file(path) if path else Tokenizer.from_str(text)


def train(name, corpus):
    tokenizers[name] = training.TRAINERS[name](corpus)
    return tokenizers[name].to_str()


def families():
    return list(training.TRAINERS)


def is_assigned(character):
    category = unicodedata.category(character)
    # The library has tables of its own for punctuation, accents and format characters, and they are old.
    old = category[0] not in "PC" and category != "Mn" or unicodedata.ucd_3_2_0.category(character) != "Cn"
    return category != "Cn" and old


def assigned(texts):
    return ["".join(c for c in text if is_assigned(c)) for text in texts]


def encode(name, texts, add_special, parse_special):
    tokenizer = tokenizers[name]
    tokenizer.encode_special_tokens = not parse_special
    return [tokenizer.encode(text, add_special_tokens=add_special).ids for text in texts]


def decode(name, ids):
    return tokenizers[name].decode_batch(ids, skip_special_tokens=True)


def render(template, variables):
    from transformers.utils.chat_template_utils import _compile_jinja_template

    try:
        return {"text": _compile_jinja_template(template).render(**variables)}
    except Exception as error:  # Whatever a template raises is its answer.
        return {"error": f"{type(error).__name__}: {error}"}


METHODS = {f.__name__: f for f in (load, train, families, assigned, encode, decode, render)}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"result": METHODS[request["method"]](**request["arguments"])}
    except BaseException as error:  # A panic of the Rust library is no Exception.
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
