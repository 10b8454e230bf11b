"""Writes SmolLM2-135M-Instruct as a Hugging Face checkpoint in bfloat16, dequantized from its GGUF.

usage: smollm2-checkpoint.py GGUF FOLDER
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

gguf, folder = Path(sys.argv[1]), Path(sys.argv[2])
source = {"gguf_file": gguf.name}
AutoModelForCausalLM.from_pretrained(gguf.parent, dtype=torch.bfloat16, **source).save_pretrained(folder)
AutoTokenizer.from_pretrained(gguf.parent, **source).save_pretrained(folder)

# A GGUF tells only the name of the rules that cut words, and transformers takes others. These are SmolLM2's own.
path = folder / "tokenizer.json"
tokenizer = json.loads(path.read_text())
byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
cut = [{"type": "Digits", "individual_digits": True}, byte_level]
tokenizer |= {"pre_tokenizer": {"type": "Sequence", "pretokenizers": cut}, "post_processor": None, "decoder": byte_level}
path.write_text(json.dumps(tokenizer, ensure_ascii=False))
path = folder / "tokenizer_config.json"
path.write_text(json.dumps(json.loads(path.read_text()) | {"add_bos_token": False}, indent=2))
