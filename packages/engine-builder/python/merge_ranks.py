"""Puts the ranks of a TensorRT-LLM checkpoint of a Llama together again.

Ranks are numbered pipeline first: rank = stage x tensor + part. Of each stage, the parts hold slices along the outputs
(qkv, fc, gate, embedding, head) or along the inputs (dense, proj) of a matrix, and copies of all else.
Sources: tensorrt_llm/mapping.py, and the checkpoint format of TensorRT-LLM's documentation."""

import json
from pathlib import Path

import numpy as np
from safetensors_view import Stored, open_safetensors

# Along which axis of a matrix its fields run. AWQ packs two outputs into a byte, so its weight is unpacked first.
BY_OUTPUT = {"weight": 0, "bias": 0, "weights_scaling_factor": 0, "per_channel_scale": 0}
BY_INPUT = {"weight": 1, "weights_scaling_factor": 1, "prequant_scaling_factor": 0}
# What only matters where activations are quantized too.
NOT_STORED = ("activation_scaling_factor", "kv_cache_scaling_factor", "kv_cache_rcp_scaling_factor", "kv_orig_quant_scale")


class Checkpoint:
    def __init__(self, folder):
        folder = Path(folder)
        self.config = json.loads((folder / "config.json").read_text())
        mapping = self.config["mapping"]
        self.tensor, self.pipeline = mapping["tp_size"], mapping["pp_size"]
        self._ranks = [open_safetensors(folder / f"rank{rank}.safetensors") for rank in range(self.tensor * self.pipeline)]
        if self.config["num_hidden_layers"] % self.pipeline:
            raise ValueError(f"{self.config['num_hidden_layers']} layers do not divide by {self.pipeline} stages.")
        self.layers_per_stage = self.config["num_hidden_layers"] // self.pipeline

    def layer(self, index, name):
        """{field: Stored} of a module of a layer, merged."""
        stage, local = divmod(index, self.layers_per_stage)
        return self._module(stage, f"transformer.layers.{local}.{name}")

    def embedding(self):
        return self._module(0, "transformer.vocab_embedding")["weight"]

    def last_norm(self):
        return self._module(self.pipeline - 1, "transformer.ln_f")["weight"]

    def head(self):
        """None where it is the embedding table."""
        module = self._module(self.pipeline - 1, "lm_head")
        return module or None

    def attention(self, index):
        """(query, key, value), each {field: Stored}."""
        stage, local = divmod(index, self.layers_per_stage)
        parts = [self._split(fields) for fields in self._fields(stage, f"transformer.layers.{local}.attention.qkv")]
        kv_heads = self.config["num_key_value_heads"]
        # Fewer heads than parts: each is in several of them.
        copies = max(1, self.tensor // kv_heads)
        query = merge([part[0] for part in parts], BY_OUTPUT)
        return query, *(merge([part[i] for part in parts[::copies]], BY_OUTPUT) for i in (1, 2))

    def _split(self, fields):
        heads = self.config["num_attention_heads"] // self.tensor
        kv_heads = max(1, self.config["num_key_value_heads"] // self.tensor)
        size = self.config["head_size"]
        ends = np.cumsum([heads * size, kv_heads * size, kv_heads * size])
        starts = [0, *ends[:-1]]

        def cut(name, stored, start, end):
            whole = name in BY_OUTPUT and stored.array.size > 1
            return Stored(stored.dtype, stored.array[start:end]) if whole else stored

        return [{name: cut(name, stored, start, end) for name, stored in fields.items()} for start, end in zip(starts, ends)]

    def _fields(self, stage, module):
        """The fields of a module on each part of a stage."""
        parts = []
        for part in range(self.tensor):
            rank = self._ranks[stage * self.tensor + part]
            fields = {name[len(module) + 1 :]: stored for name, stored in rank.items() if name.startswith(f"{module}.")}
            fields = {name: stored for name, stored in fields.items() if name not in NOT_STORED}
            parts.append(unpack_int4(fields))
        return parts

    def _module(self, stage, module):
        parts = self._fields(stage, module)
        last = module.rpartition(".")[2]
        if last in ("dense", "proj"):
            return merge(parts, BY_INPUT)
        sharded = last in ("fc", "gate", "lm_head") or (last == "vocab_embedding" and self.config["use_parallel_embedding"])
        return merge(parts, BY_OUTPUT if sharded else {})


def merge(parts, axes):
    """Fields that run along an axis are joined along it; the others must be the same in all parts."""
    first = parts[0]
    merged = {}
    for name, stored in first.items():
        arrays = [part[name].array for part in parts]
        axis = axes.get(name)
        if axis is not None and stored.array.size > 1 and axis < stored.array.ndim:
            merged[name] = Stored(stored.dtype, arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis))
        elif all(np.array_equal(arrays[0], other) for other in arrays[1:]):
            merged[name] = stored
        else:
            raise ValueError(f"The ranks have different values of {name}, which they share in a checkpoint of ModelOpt.")
    return merged


def unpack_int4(fields):
    """AWQ stores rows 2i and 2i + 1 in the low and the high half of the bytes of row i."""
    weight, scale = fields.get("weight"), fields.get("weights_scaling_factor")
    if weight is None or scale is None or weight.dtype not in ("I8", "U8"):
        return fields
    if scale.array.ndim != 2 or scale.dtype != "F32" or scale.shape[0] != 2 * weight.shape[0]:
        return fields
    packed = weight.array.view(np.int8)
    rows = np.stack([(packed << 4) >> 4, packed >> 4], axis=1)
    return {**fields, "weight": Stored("I8", rows.reshape(2 * packed.shape[0], packed.shape[1]))}
