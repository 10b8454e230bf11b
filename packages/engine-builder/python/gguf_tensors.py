"""What ggml stores of a quantized matrix, and how it comes from what ModelOpt stores."""

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

_FP8 = np.array([
    (-1) ** (bits >> 7) * (2.0**-6 * (bits & 7) / 8 if bits >> 3 & 15 == 0 else 2.0 ** ((bits >> 3 & 15) - 7) * (1 + (bits & 7) / 8))
    for bits in range(256)
], np.float32)  # fmt: skip
# NaN, which no weight is.
_FP8[[0x7F, 0xFF]] = np.nan
_FP4 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6], np.float32)


class GgufTensor:
    """`shape` in elements, rows first; `make` gives the bytes as an array."""

    def __init__(self, name, shape, kind, make):
        self.name, self.shape, self.type, self._make = name, tuple(int(size) for size in shape), kind, make

    @property
    def nbytes(self):
        block, size = gguf.GGML_QUANT_SIZES[self.type]
        return int(np.prod(self.shape)) // block * size

    def data(self):
        array = np.ascontiguousarray(self._make())
        if array.nbytes != self.nbytes:
            raise ValueError(f"{self.name} took {array.nbytes} bytes, expected {self.nbytes}.")
        return array


def plain(name, stored, as_float32=False):
    """As it is stored; norms and biases in F32, which llama.cpp computes with."""
    if as_float32:
        return GgufTensor(name, stored.shape, Type.F32, lambda: to_float32(stored))
    return GgufTensor(name, stored.shape, Type[stored.dtype], lambda: stored.array)


def matrix(name, fields, rows=None):
    """
    The tensors of a linear layer, `<name>.weight` and where there is one `<name>.scale`, which llama.cpp multiplies the
    product with. NVFP4 and FP8 keep every value; what has scales along its inputs has no type in ggml and becomes Q8_0.
    rows: order to bring the outputs into
    """
    weight, scale = fields["weight"], fields.get("weights_scaling_factor")
    ordered = (lambda array: array[rows]) if rows is not None else (lambda array: array)
    per_row = fields.get("per_channel_scale")
    if weight.dtype == "U8" and scale.dtype == "F8_E4M3":
        return [nvfp4(f"{name}.weight", weight.array, scale.array, ordered), scalar(name, fields["weights_scaling_factor_2"])]
    if weight.dtype == "F8_E4M3" and per_row is not None:
        values = lambda: _FP8[ordered(weight.array)] * ordered(per_row.array)[:, None]  # noqa: E731
        return [GgufTensor(f"{name}.weight", weight.shape, Type.F32, values)]
    if weight.dtype == "F8_E4M3":
        bits = lambda: bfloat16(_FP8)[ordered(weight.array)]  # noqa: E731
        return [GgufTensor(f"{name}.weight", weight.shape, Type.BF16, bits), scalar(name, scale)]
    if weight.dtype == "I8":
        return [q8_0(f"{name}.weight", weight.shape, lambda: ordered(dequantize_integers(fields)))]
    return [GgufTensor(f"{name}.weight", weight.shape, Type[weight.dtype], lambda: ordered(weight.array))]


def scalar(name, stored):
    return GgufTensor(f"{name}.scale", (1,), Type.F32, lambda: stored.array.reshape(1))


def nvfp4(name, packed, scales, ordered):
    """
    ModelOpt: element 2i in the low and 2i + 1 in the high half of byte i, an E4M3 scale for 16 elements.
    ggml's block: four such scales, then of each 16 elements i in the low and i + 8 in the high half of byte i.
    Source: block_nvfp4 in ggml/src/ggml-common.h. A row that is no whole number of its blocks of 64 is stored in BF16,
    which holds each product of an element and its scale exactly too.
    """
    outputs, inputs = packed.shape[0], packed.shape[1] * 2

    def halves():
        bytes_ = ordered(packed)
        return np.stack([bytes_ & 15, bytes_ >> 4], axis=-1).reshape(outputs, inputs // 16, 16)

    def blocks():
        elements = halves()
        bytes_ = elements[:, :, :8] | (elements[:, :, 8:] << 4)
        of_four = (outputs, inputs // 64, -1)
        return np.concatenate([ordered(scales).reshape(of_four), bytes_.reshape(of_four)], axis=-1)

    def exact():
        return bfloat16(_FP4[halves()] * _FP8[ordered(scales)][:, :, None]).reshape(outputs, inputs)

    if inputs % 64:
        return GgufTensor(name, (outputs, inputs), Type.BF16, exact)
    return GgufTensor(name, (outputs, inputs), Type.NVFP4, blocks)


def q8_0(name, shape, values):
    if shape[1] % 32:
        return GgufTensor(name, shape, Type.F32, values)
    return GgufTensor(name, shape, Type.Q8_0, lambda: gguf.quants.quantize(values(), Type.Q8_0))


def dequantize_integers(fields):
    """INT4 in groups (AWQ) or INT8 by row (SmoothQuant), with the factors of the inputs multiplied in."""
    weight, scale = fields["weight"].array, fields["weights_scaling_factor"].array
    by_group = scale if scale.ndim == 2 else scale[:, None]
    values = weight.astype(np.float32) * np.repeat(by_group, weight.shape[1] // by_group.shape[1], axis=1)
    smoothing = fields.get("prequant_scaling_factor")
    return values if smoothing is None else values * to_float32(smoothing)


def to_float32(stored):
    if stored.dtype == "BF16":
        return (stored.array.astype(np.uint32) << 16).view(np.float32)
    return stored.array.astype(np.float32)


def bfloat16(values):
    """The bits of values that BF16 holds exactly."""
    return (np.ascontiguousarray(values).view(np.uint32) >> 16).astype(np.uint16)
