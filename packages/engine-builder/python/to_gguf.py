"""Writes a TensorRT-LLM checkpoint of a Llama, all ranks together, as one GGUF for llama.cpp."""

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
from gguf_tensors import GgufTensor, matrix, plain
from gguf_tokenizer import add_tokenizer
from merge_ranks import Checkpoint
from progress import progress, warning

ARCHITECTURES = ("LlamaForCausalLM", "MistralForCausalLM")
# tensorrt_llm calls the activated half of the feed-forward part fc, the other gate.
FEED_FORWARD = {"mlp.fc": "ffn_gate", "mlp.gate": "ffn_up", "mlp.proj": "ffn_down"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", required=True, help="TensorRT-LLM checkpoint")
    parser.add_argument("--model", required=True, help="Hugging Face directory it was made of")
    parser.add_argument("--output", required=True, help="GGUF to write")
    return parser.parse_args()


def tensors(checkpoint, vocabulary):
    """Every tensor of the model, in the order of llama.cpp's own files."""
    yield plain("token_embd.weight", cut(checkpoint.embedding(), vocabulary))
    for index in range(checkpoint.config["num_hidden_layers"]):
        block = f"blk.{index}"
        yield plain(f"{block}.attn_norm.weight", checkpoint.layer(index, "input_layernorm")["weight"], as_float32=True)
        query, key, value = checkpoint.attention(index)
        for letter, fields in zip("qkv", (query, key, value)):
            size = checkpoint.config["head_size"]
            rows = interleaved(fields["weight"].shape[0], size) if letter != "v" else None
            yield from matrix(f"{block}.attn_{letter}", fields, rows)
        yield from matrix(f"{block}.attn_output", checkpoint.layer(index, "attention.dense"))
        yield plain(f"{block}.ffn_norm.weight", checkpoint.layer(index, "post_layernorm")["weight"], as_float32=True)
        for module, name in FEED_FORWARD.items():
            yield from matrix(f"{block}.{name}", checkpoint.layer(index, module))
    yield plain("output_norm.weight", checkpoint.last_norm(), as_float32=True)
    head = checkpoint.head()
    if head is not None and not np.array_equal(head["weight"].array, checkpoint.embedding().array):
        yield from matrix("output", {name: cut(stored, vocabulary) for name, stored in head.items()})


def cut(stored, vocabulary):
    """Without the rows that were added to make the table divide."""
    if stored.array.size > 1:
        stored.array = stored.array[:vocabulary]
    return stored


def interleaved(outputs, head_size):
    """llama.cpp turns neighbours of a head, Hugging Face and TensorRT-LLM element i and i + half of it."""
    return np.arange(outputs).reshape(-1, 2, head_size // 2).swapaxes(1, 2).reshape(-1)


def add_shape(writer, config, size):
    """config: of the Hugging Face model."""
    heads = config["num_attention_heads"]
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.get("num_key_value_heads") or heads)
    writer.add_key_length(size)
    writer.add_value_length(size)
    writer.add_rope_dimension_count(size)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config.get("rope_theta", 10000.0))


def rope_factors(config, size):
    """How much slower each pair of a head turns in Llama 3.1 and later. Source: transformers, modeling_rope_utils.py."""
    scaling = config.get("rope_scaling") or {}
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    if kind == "default":
        return None
    if kind != "llama3":
        raise SystemExit(f"ValueError: the model's rope_scaling is {kind}; only llama3's is turned into a GGUF here.")
    frequency = config.get("rope_theta", 10000.0) ** (-np.arange(0, size, 2) / size)
    turns = scaling["original_max_position_embeddings"] * frequency / (2 * np.pi)
    low, high, factor = scaling["low_freq_factor"], scaling["high_freq_factor"], scaling["factor"]
    smooth = np.clip((turns - low) / (high - low), 0, 1)
    return (1 / ((1 - smooth) / factor + smooth)).astype(np.float32)


def refuse(config, checkpoint):
    """What would be lost without a word."""
    architecture = config["architectures"][0]
    if architecture not in ARCHITECTURES:
        raise SystemExit(f"ValueError: {architecture} is not turned into a GGUF here, only {' and '.join(ARCHITECTURES)}.")
    if config.get("attention_bias") or config.get("mlp_bias"):
        raise SystemExit("ValueError: the model has biases, which the GGUF would lack.")
    if config.get("hidden_act", "silu") != "silu":
        raise SystemExit(f"ValueError: the model's activation is {config['hidden_act']}, and llama.cpp's Llama has silu.")
    if checkpoint.config.get("moe", {}).get("num_experts"):
        raise SystemExit("ValueError: models of experts are not turned into a GGUF here.")


def main():
    args = arguments()
    config = json.loads((Path(args.model) / "config.json").read_text())
    checkpoint = Checkpoint(args.checkpoint)
    refuse(config, checkpoint)
    size = checkpoint.config["head_size"]
    writer = gguf.GGUFWriter(args.output, "llama")
    writer.add_name(Path(args.model).resolve().name)
    add_shape(writer, config, size)
    problem = add_tokenizer(writer, args.model, config["vocab_size"])
    if problem is not None:
        warning(problem)
    listed = list(tensors(checkpoint, config["vocab_size"]))
    factors = rope_factors(config, size)
    if factors is not None:
        listed.append(GgufTensor("rope_freqs.weight", factors.shape, gguf.GGMLQuantizationType.F32, lambda: factors))
    for tensor in listed:
        writer.add_tensor_info(tensor.name, tensor.shape, np.dtype(np.float32), tensor.nbytes, tensor.type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    total = sum(tensor.nbytes for tensor in listed)
    written = 0
    for tensor in listed:
        writer.write_tensor_data(tensor.data())
        written += tensor.nbytes
        progress(tensor.name, written / total)
    writer.close()
    if any(tensor.type == gguf.GGMLQuantizationType.Q8_0 for tensor in listed):
        algorithm = checkpoint.config["quantization"]["quant_algo"]
        warning(f"ggml has no type for {algorithm}: its values are stored in Q8_0, the nearest, with 8.5 bits each.")


if __name__ == "__main__":
    main()
