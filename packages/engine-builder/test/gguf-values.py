"""Prints the type and writes the values of every tensor of a GGUF, read and dequantized by the gguf package.

usage: gguf-values.py GGUF FOLDER  (writes FOLDER/<name>.f32)
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / ".cache" / "python"))
from gguf import GGUFReader  # noqa: E402
from gguf.quants import dequantize  # noqa: E402

reader = GGUFReader(sys.argv[1])
types = {}
for tensor in reader.tensors:
    types[tensor.name] = tensor.tensor_type.name
    dequantize(tensor.data, tensor.tensor_type).astype("<f4").tofile(Path(sys.argv[2]) / f"{tensor.name}.f32")
print(json.dumps(types))
