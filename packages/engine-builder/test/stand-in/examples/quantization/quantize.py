"""Stands in for TensorRT-LLM's examples/quantization/quantize.py; see stand_in.py."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
from stand_in import parse, say, write_checkpoint  # noqa: E402

args = parse("quantize")
say(f"Initializing tokenizer from {args.model_dir}")
say(f"Initializing model from {args.model_dir}")
say("Loading checkpoint shards: 100%|##########| 1/1", sys.stderr)
say("Loading calibration dataset")
say("Starting quantization...")
say("Quantization done. Total time used: 61.02 s.")
write_checkpoint(args, {"quant_algo": args.qformat.upper(), "kv_cache_quant_algo": args.kv_cache_dtype})
say(f"Quantized model exported to {args.output_dir} \nTotal time used 3.10 s.")
