"""A safetensors file as numpy arrays that are read when they are used. Types that numpy has not come as their bits:
BF16 as uint16, FP8 as uint8."""

import json
from pathlib import Path

import numpy as np

DTYPES = {
    "F32": np.float32, "F16": np.float16, "BF16": np.uint16, "F8_E4M3": np.uint8,
    "I8": np.int8, "U8": np.uint8, "I32": np.int32, "I64": np.int64,
}


class Stored:
    """One tensor: `dtype` as the file names it, `array` of its bits."""

    def __init__(self, dtype, array):
        self.dtype = dtype
        self.array = array

    @property
    def shape(self):
        return self.array.shape


def open_safetensors(path):
    """{name: Stored}."""
    path = Path(path)
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    data = np.memmap(path, mode="r", offset=8 + length) if path.stat().st_size > 8 + length else np.empty(0, np.uint8)
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] not in DTYPES:
            raise ValueError(f"{path}: {name} has the type {entry['dtype']}, which is not read here.")
        start, end = entry["data_offsets"]
        bits = data[start:end].view(DTYPES[entry["dtype"]])
        tensors[name] = Stored(entry["dtype"], bits.reshape(entry["shape"]))
    return tensors
