"""Texts to calibrate with: .txt (paragraphs between empty lines) and .jsonl (objects with a string "text"), or a folder of these."""

import json
from pathlib import Path


def read_texts(path, count):
    """The first `count` texts of the files in order of their names."""
    path = Path(path)
    files = [path] if path.is_file() else sorted(f for f in path.rglob("*") if f.suffix in (".txt", ".jsonl"))
    texts = []
    for file in files:
        for text in _texts_of(file):
            texts.append(text)
            if len(texts) == count:
                return texts
    if not texts:
        raise ValueError(f"{path} holds no text. Expected .txt files, or .jsonl files of objects with a \"text\".")
    return texts


def _texts_of(file):
    if file.suffix == ".jsonl":
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip():
                text = json.loads(line).get("text")
                if not isinstance(text, str):
                    raise ValueError(f'{file}, line {number}: expected an object with a string "text".')
                yield text
    else:
        for paragraph in file.read_text(encoding="utf-8").split("\n\n"):
            if paragraph.strip():
                yield paragraph.strip()
