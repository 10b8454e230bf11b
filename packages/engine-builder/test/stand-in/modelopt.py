"""Stands in for quantize.py on ModelOpt, which takes 6 GB to install: the same arguments and files of the same layout,
quantized by the largest value alone and without calibration. `npm run test:quantize` compares the two."""

import json
import os

import numpy as np
from calibration_texts import read_texts
from progress import progress
from quantize_arguments import parse_arguments
from safetensors_view import open_safetensors
from stand_in import go_wrong_at, write

ALGORITHMS = {
    "none": None, "fp8": "FP8", "fp8-rowwise": "FP8_PER_CHANNEL_PER_TOKEN", "nvfp4": "NVFP4",
    "int8-smoothquant": "W8A8_SQ_PER_CHANNEL", "int4-awq": "W4A16_AWQ", "w4a8-awq": "W4A8_AWQ",
}  # fmt: skip
KV_CACHES = {"auto": None, "fp8": "FP8", "int8": "INT8", "nvfp4": "NVFP4"}
KV_FIELDS = ["k_cache", "v_cache", "kv_cache"]
FP8 = np.array([2.0**-6 * i / 8 if i < 8 else 2.0 ** ((i >> 3) - 7) * (1 + (i & 7) / 8) for i in range(127)], np.float32)
FP4 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float32)


def nearest(table, values):
    """Indexes of the nearest values of a rising table."""
    return np.searchsorted((table[1:] + table[:-1]) / 2, np.abs(values)).astype(np.uint8)


def fp8(values):
    return nearest(FP8, values) | (values < 0).astype(np.uint8) << 7


def fp4(values):
    return nearest(FP4, values) | (values < 0).astype(np.uint8) << 3


def bf16(values):
    """Rounded to the nearest, as bits."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def floats(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def largest(values, axis=None):
    """Never 0, so that it can divide."""
    return np.maximum(np.abs(values).max(axis=axis, keepdims=axis is not None), 1e-6).astype(np.float32)


class Quantizer:
    """Makes the fields of a matrix [(name, dtype, array, axis of outputs, axis of inputs)]."""

    def __init__(self, kind, group):
        self.kind, self.group = kind, group or 128
        self.random = np.random.default_rng(7)

    def smoothing(self, inputs):
        """Factors of the inputs, as AWQ and SmoothQuant find them by calibration: near 1."""
        return bf16(self.random.uniform(0.5, 2, inputs))

    def __call__(self, weight, shared):
        """shared: the largest value of all matrices that have one scale with it; smoothing of its inputs."""
        most, smooth = shared
        scale = lambda value, shape=(1,): np.full(shape, value, np.float32)  # noqa: E731
        one = [("activation_scaling_factor", "F32", scale(0.01), None, None)]
        if self.kind == "none":
            return [("weight", "BF16", bf16(weight), 0, 1)]
        if self.kind == "fp8":
            factor = most / 448
            return [("weight", "F8_E4M3", fp8(weight / factor), 0, 1), ("weights_scaling_factor", "F32", scale(factor), None, None), *one]
        if self.kind == "fp8-rowwise":
            factors = largest(weight, 1) / 448
            return [("weight", "F8_E4M3", fp8(weight / factors), 0, 1), ("per_channel_scale", "F32", factors[:, 0], 0, None)]
        if self.kind == "nvfp4":
            blocks = weight.reshape(weight.shape[0], -1, 16)
            whole = np.float32(most / (6 * 448))
            scales = fp8(largest(blocks, 2)[:, :, 0] / 6 / whole)
            values = blocks / np.maximum(FP8[scales] * whole, 1e-30)[:, :, None]
            halves = fp4(values).reshape(weight.shape)
            return [("weight", "U8", halves[:, 0::2] | halves[:, 1::2] << 4, 0, 1), ("weights_scaling_factor", "F8_E4M3", scales, 0, 1),
                    ("weights_scaling_factor_2", "F32", scale(whole, ()), None, None),
                    ("activation_scaling_factor", "F32", scale(0.01, ()), None, None)]
        smoothed = weight / floats(smooth)
        factor = ("prequant_scaling_factor", "BF16", smooth, None, 0)
        if self.kind == "int8-smoothquant":
            factors = largest(smoothed, 1) / 127
            rounded = np.clip(np.rint(smoothed / factors), -128, 127).astype(np.int8)
            return [("weight", "I8", rounded, 0, 1), ("weights_scaling_factor", "F32", factors[:, 0], 0, None), factor, *one]
        groups = smoothed.reshape(weight.shape[0], -1, self.group)
        factors = largest(groups, 2) / 7
        rounded = np.clip(np.rint(groups / factors), -8, 7).astype(np.int8).reshape(weight.shape)
        fields = [("weight", "I4", rounded, 0, 1), ("weights_scaling_factor", "F32", factors[:, :, 0], 0, 1), factor]
        if self.kind == "w4a8-awq":
            fields += [("weights_scaling_factor_2", "F32", scale(0.001), None, None), *one]
        return fields


def slices(array, axis, part, parts):
    return array if axis is None else np.split(array, parts, axis)[part]


def rank_tensors(model, config, args, quantizer):
    """Of each rank, {name: (dtype, array)}."""
    tensor, heads, kv_heads = args.tensor, config["num_attention_heads"], config["num_key_value_heads"]
    get = lambda name: floats(model[name].array)  # noqa: E731
    plain = lambda name: ("BF16", model[name].array)  # noqa: E731
    ranks = [{} for _ in range(tensor * args.pipeline)]

    def put(stage, part, module, fields, by):
        for name, dtype, array, output_axis, input_axis in fields:
            cut = slices(array, output_axis if by == "output" else input_axis if by == "input" else None, part, tensor)
            if dtype == "I4":
                dtype, cut = "I8", ((cut[0::2] & 15) | (cut[1::2] << 4)).astype(np.int8)
            ranks[stage * tensor + part][f"{module}.{name}"] = (dtype, np.array(cut, order="C"))

    def put_plain(stage, name, source, axis=None):
        for part in range(tensor):
            dtype, array = plain(source)
            ranks[stage * tensor + part][name] = (dtype, np.ascontiguousarray(slices(array, axis, part, tensor)))

    per_stage = config["num_hidden_layers"] // args.pipeline
    put_plain(0, "transformer.vocab_embedding.weight", "model.embed_tokens.weight", 0)
    for layer in range(config["num_hidden_layers"]):
        stage, local = divmod(layer, per_stage)
        ours, theirs = f"transformer.layers.{local}", f"model.layers.{layer}"
        put_plain(stage, f"{ours}.input_layernorm.weight", f"{theirs}.input_layernorm.weight")
        put_plain(stage, f"{ours}.post_layernorm.weight", f"{theirs}.post_attention_layernorm.weight")
        qkv = [get(f"{theirs}.self_attn.{letter}_proj.weight") for letter in "qkv"]
        shared = max(largest(weight) for weight in qkv), quantizer.smoothing(config["hidden_size"])
        # Fewer heads than parts: each is in several of them.
        copies = max(1, tensor // kv_heads)
        size = qkv[0].shape[0] // heads
        for part in range(tensor):
            cuts = [slices(qkv[0], 0, part, tensor), *(slices(w, 0, part // copies, tensor // copies) for w in qkv[1:])]
            assert cuts[1].shape[0] % size == 0
            put(stage, part, f"{ours}.attention.qkv", quantizer(np.concatenate(cuts), shared), None)
            for kind in KV_FIELDS if args.kv_cache != "auto" else []:
                shape = () if args.kv_cache == "nvfp4" else (1,)
                ranks[stage * tensor + part][f"{ours}.attention.{kind}_scaling_factor"] = ("F32", np.ones(shape, np.float32))
        gates = [get(f"{theirs}.mlp.{name}_proj.weight") for name in ("gate", "up")]
        shared = max(largest(weight) for weight in gates), quantizer.smoothing(config["hidden_size"])
        modules = [("mlp.fc", gates[0], shared, "output"), ("mlp.gate", gates[1], shared, "output")]
        for name, source in [("attention.dense", "self_attn.o_proj"), ("mlp.proj", "mlp.down_proj")]:
            weight = get(f"{theirs}.{source}.weight")
            modules.append((name, weight, (largest(weight), quantizer.smoothing(weight.shape[1])), "input"))
        for name, weight, shared, by in modules:
            fields = quantizer(weight, shared)
            for part in range(tensor):
                put(stage, part, f"{ours}.{name}", fields, by)
    last = args.pipeline - 1
    put_plain(last, "transformer.ln_f.weight", "model.norm.weight")
    head = "lm_head.weight" if "lm_head.weight" in model else "model.embed_tokens.weight"
    put_plain(last, "lm_head.weight", head, 0)
    return ranks


def safetensors(tensors):
    header, data, end = {}, [], 0
    for name, (dtype, array) in sorted(tensors.items()):
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [end, end + array.nbytes]}
        data.append(array.tobytes())
        end += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(data)


def configuration(config, args):
    algorithm = ALGORITHMS[args.format]
    quantization = {"quant_algo": algorithm, "kv_cache_quant_algo": KV_CACHES[args.kv_cache]}
    if "AWQ" in (algorithm or ""):
        quantization |= {"group_size": args.group_size or 128, "has_zero_point": False, "pre_quant_scale": True}
    if algorithm == "NVFP4":
        quantization["group_size"] = 16
    if algorithm:
        quantization["exclude_modules"] = ["lm_head"]
    mapping = {"world_size": args.tensor * args.pipeline, "tp_size": args.tensor, "pp_size": args.pipeline}
    if args.context > 1:
        mapping |= {"cp_size": args.context, "world_size": mapping["world_size"] * args.context}
    heads = config["num_attention_heads"]
    return {
        "producer": {"name": "modelopt", "version": "0.37.0"}, "architecture": "LlamaForCausalLM", "dtype": "bfloat16",
        "logits_dtype": "float16", "num_hidden_layers": config["num_hidden_layers"], "num_attention_heads": heads,
        "num_key_value_heads": config["num_key_value_heads"], "hidden_size": config["hidden_size"],
        "norm_epsilon": config["rms_norm_eps"], "vocab_size": config["vocab_size"],
        "max_position_embeddings": config["max_position_embeddings"], "hidden_act": "silu", "use_parallel_embedding": True,
        "embedding_sharding_dim": 0, "head_size": config.get("head_dim") or config["hidden_size"] // heads,
        "intermediate_size": config["intermediate_size"], "position_embedding_type": "rope_gpt_neox",
        "share_embedding_table": False, "residual_mlp": False, "bias": False, "rotary_pct": 1.0,
        "rank": args.tensor * args.pipeline - 1, "decoder": "llama", "rmsnorm": True, "lm_head_bias": False,
        "rotary_base": config.get("rope_theta", 10000.0), "mapping": mapping, "quantization": quantization,
    }  # fmt: skip


def say(message, fraction):
    go_wrong_at(message)
    progress(message, fraction)


args = parse_arguments()
say("loading the model", 0.02)
with open(os.path.join(args.model, "config.json")) as file:
    config = json.load(file)
model = open_safetensors(os.path.join(args.model, "model.safetensors"))
if args.dataset:
    for number in range(len(read_texts(args.dataset, args.samples))):
        say(f"calibrating, text {number + 1}", 0.2)
say("quantizing", 0.5)
ranks = rank_tensors(model, config, args, Quantizer(args.format, args.group_size))
say("exporting", 0.82)
os.makedirs(args.output, exist_ok=True)
for rank, tensors in enumerate(ranks):
    write(os.path.join(args.output, f"rank{rank}.safetensors"), safetensors(tensors))
write(os.path.join(args.output, "config.json"), json.dumps(configuration(config, args)).encode())
say("checkpoint written", 1)
