"""Stands in for TensorRT-LLM's examples/models/core/llama/convert_checkpoint.py; see stand_in.py."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), *[".."] * 4))
from stand_in import parse, say, write_checkpoint  # noqa: E402

args = parse("convert-llama")
say("1.2.0")
say("Total time of reading and converting: 2.018 s")
write_checkpoint(args, {"quant_algo": None, "kv_cache_quant_algo": None})
say("Total time of saving checkpoint: 1.204 s")
say("Total time of converting checkpoints: 00:00:03")
