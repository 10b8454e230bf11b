"""Quantizes a Hugging Face checkpoint with NVIDIA's ModelOpt and writes it as a TensorRT-LLM checkpoint: config.json and
a rankN.safetensors for each rank of tensor x pipeline. Needs no GPU; with one it calibrates there."""

import copy
import json
import warnings
from pathlib import Path

import torch
from calibration_texts import read_texts
from progress import progress, warning
from quantize_arguments import parse_arguments
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

import modelopt.torch.quantization as mtq
from modelopt.torch.export import export_tensorrt_llm_checkpoint
from modelopt.torch.export.model_utils import get_model_type
from modelopt.torch.quantization.qtensor import nvfp4_tensor

FORMATS = {
    "none": None,
    "fp8": mtq.FP8_DEFAULT_CFG,
    "fp8-rowwise": mtq.FP8_PER_CHANNEL_PER_TOKEN_CFG,
    "nvfp4": mtq.NVFP4_DEFAULT_CFG,
    "int8-smoothquant": mtq.INT8_SMOOTHQUANT_CFG,
    "int4-awq": mtq.INT4_AWQ_CFG,
    "w4a8-awq": mtq.W4A8_AWQ_BETA_CFG,
}
KV_CACHES = {
    "auto": {},
    "fp8": mtq.FP8_KV_CFG["quant_cfg"],
    "int8": {"*[kv]_bmm_quantizer": {"num_bits": 8, "axis": None, "enable": True}},
    "nvfp4": mtq.NVFP4_KV_CFG["quant_cfg"],
}
# ModelOpt's manual path, where TensorRT-LLM is not installed, writes the configuration of these.
WITHOUT_TENSORRT_LLM = ("llama", "gemma", "gpt", "mpt", "dbrx", "recurrentgemma")


def load(path, dtype):
    stored = AutoConfig.from_pretrained(path).dtype
    # TensorRT-LLM turns float32 models into float16 unless told otherwise.
    chosen = getattr(torch, dtype) if dtype != "auto" else torch.float16 if stored == torch.float32 else stored
    placement = {"device_map": "auto"} if torch.cuda.is_available() else {}
    return AutoModelForCausalLM.from_pretrained(path, dtype=chosen or torch.float16, **placement).eval()


def quantization(args, model_type):
    """ModelOpt's configuration of what is asked for; None for nothing."""
    chosen = FORMATS[args.format]
    if chosen is None and args.kv_cache == "auto":
        return None
    config = copy.deepcopy(chosen) if chosen else {"quant_cfg": {"default": {"enable": False}}, "algorithm": "max"}
    rules = config["quant_cfg"]
    if args.group_size is not None:
        weights = rules["*weight_quantizer"]
        for part in weights if isinstance(weights, list) else [weights]:
            if "block_sizes" in part:
                part["block_sizes"][-1] = args.group_size
    if args.format == "int8-smoothquant":
        # 0.5 for Gemma is what TensorRT-LLM's own quantize.py takes.
        alpha = args.smoothing if args.smoothing is not None else 0.5 if model_type == "gemma" else 1.0
        config["algorithm"] = {"method": "smoothquant", "alpha": alpha}
    if args.quantize_head:
        del rules["*lm_head*"]
    rules.update({pattern: rule for pattern, rule in KV_CACHES[args.kv_cache].items() if pattern != "default"})
    # The last match counts.
    rules.update({f"{pattern.rstrip('*')}*": {"enable": False} for pattern in args.exclude})
    return config


def calibration_loop(args, tokenizer):
    texts = read_texts(args.dataset, args.samples)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    batches = [texts[i : i + args.batch_size] for i in range(0, len(texts), args.batch_size)]
    runs = 0

    def loop(model):
        nonlocal runs
        runs += 1
        for index, batch in enumerate(batches):
            encoded = tokenizer(batch, return_tensors="pt", truncation=True, max_length=args.max_tokens, padding=True)
            model(**encoded.to(model.device))
            # Some algorithms go through the texts again; nobody knows before how often.
            progress(f"calibrating, text {index * args.batch_size + len(batch)} of {len(texts)}, pass {runs}",
                     0.2 + 0.6 * (1 - 0.5 ** (runs - 1 + (index + 1) / len(batches))))

    return loop


def share_between_context_ranks(folder, context):
    """Ranks of one context group hold the same weights, so only the mapping tells of them. Source: mapping.py."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["mapping"]["cp_size"] = context
    config["mapping"]["world_size"] *= context
    path.write_text(json.dumps(config, indent=4))


def main():
    args = parse_arguments()
    warnings.simplefilter("ignore")
    if not torch.cuda.is_available():
        # It asks the GPU what it can; without one that raises instead of saying no.
        nvfp4_tensor.fp4_compatible = lambda: False
    progress("loading the model", 0.02)
    model = load(args.model, args.dtype)
    model_type = get_model_type(model)
    try:
        import tensorrt_llm  # noqa: F401
    except ImportError:
        if model_type not in WITHOUT_TENSORRT_LLM:
            name = type(model).__name__
            raise SystemExit(f"RuntimeError: ModelOpt exports {name} only where tensorrt_llm can be imported too. Run "
                             "this with the Python of TensorRT-LLM's container, which has both.") from None
    config = quantization(args, model_type)
    if config is not None:
        # Row-wise FP8 takes its scales while it runs, but ModelOpt wants to see a run.
        loop = calibration_loop(args, AutoTokenizer.from_pretrained(args.model)) if args.dataset else None
        progress("quantizing", 0.2)
        with torch.inference_mode():
            mtq.quantize(model, config, forward_loop=loop)
    progress("exporting", 0.82)
    output = Path(args.output)
    with torch.inference_mode():
        export_tensorrt_llm_checkpoint(
            model, model_type, model.dtype, output, args.tensor, inference_pipeline_parallel=args.pipeline)
    if args.context > 1:
        share_between_context_ranks(output, args.context)
    algorithm = json.loads((output / "config.json").read_text())["quantization"]["quant_algo"]
    if algorithm is None and args.format != "none":
        warning("ModelOpt quantized nothing: do the excluded modules leave any?")
    if algorithm != "MIXED_PRECISION":
        # ModelOpt writes it for unquantized models too; TensorRT-LLM reads it for none but these.
        (output / "quant_cfg.json").unlink(missing_ok=True)
    progress("checkpoint written", 1)


if __name__ == "__main__":
    main()
