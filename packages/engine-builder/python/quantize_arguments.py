"""Arguments of quantize.py, apart from it because it takes long to import."""

import argparse

FORMATS = ("none", "fp8", "fp8-rowwise", "nvfp4", "int8-smoothquant", "int4-awq", "w4a8-awq")
KV_CACHES = ("auto", "fp8", "int8", "nvfp4")


def parse_arguments():
    parser = argparse.ArgumentParser(description="Quantize a Hugging Face checkpoint with ModelOpt")
    parser.add_argument("--model", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--format", required=True, choices=FORMATS)
    parser.add_argument("--kv-cache", default="auto", choices=KV_CACHES)
    parser.add_argument("--dtype", default="auto", choices=["auto", "float16", "bfloat16", "float32"])
    parser.add_argument("--group-size", type=int)
    parser.add_argument("--smoothing", type=float)
    parser.add_argument("--quantize-head", action="store_true")
    parser.add_argument("--exclude", action="append", default=[])
    parser.add_argument("--dataset")
    parser.add_argument("--samples", type=int, default=512)
    parser.add_argument("--max-tokens", type=int, default=512)
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--tensor", type=int, default=1)
    parser.add_argument("--pipeline", type=int, default=1)
    parser.add_argument("--context", type=int, default=1)
    return parser.parse_args()
