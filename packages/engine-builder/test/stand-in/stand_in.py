"""What the stand-ins for NVIDIA's tools share.

TensorRT-LLM is not on the public registries, so the tests drive these. They take the arguments that the real tools
take (transcribed from their sources in ../flags), print the lines that their sources and public logs show, write files
of the same names, and fail as the real ones are known to fail. They compute nothing.

STAND_IN says what goes wrong: "<where>:<what>", where <where> is a line that is about to be printed or "half", in the
middle of a file, and <what> is fail, kill, abort, hang, full, kill-parent, or no-file.
"""

import argparse
import hashlib
import json
import os
import signal
import struct
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
where, _, what = os.environ.get("STAND_IN", "").rpartition(":")


def parse(tool):
    with open(os.path.join(here, "..", "flags", tool + ".json")) as file:
        flags = json.load(file)["flags"]
    parser = argparse.ArgumentParser(prog=tool)
    for flag in flags:
        names = [flag["flag"], *flag.get("aliases", [])]
        if flag["type"] == "bool":
            parser.add_argument(*names, action="store_true")
        else:
            kind = {"int": int, "float": float}.get(flag["type"], str)
            parser.add_argument(*names, type=kind, choices=flag.get("choices"), nargs=flag.get("nargs"))
    return parser.parse_args()


def go_wrong_at(line):
    if where and where in line:
        go_wrong()


def say(line, file=sys.stdout):
    go_wrong_at(line)
    print(line, file=file, flush=True)


def write(path, content):
    """Half of the file, a chance to go wrong, the other half."""
    if what == "no-file" and where in path:
        return
    with open(path, "wb") as file:
        file.write(content[: len(content) // 2])
        file.flush()
        if where == "half":
            go_wrong()
        file.write(content[len(content) // 2 :])


def go_wrong():
    if what == "fail":
        raise RuntimeError("CUDA error: out of memory")
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "abort":
        print("terminate called after throwing an instance of 'tensorrt_llm::common::TllmException'", file=sys.stderr)
        os.abort()
    if what == "hang":
        time.sleep(600)
    if what == "full":
        with open("/dev/full", "w") as file:
            file.write("x" * 65536)
    if what == "kill-parent":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(600)


def safetensors(seed):
    header = json.dumps({"weight": {"dtype": "U8", "shape": [4096], "data_offsets": [0, 4096]}}).encode()
    data = hashlib.shake_128(seed.encode()).digest(4096)
    return struct.pack("<Q", len(header)) + header + data


def write_checkpoint(args, quantization):
    os.makedirs(args.output_dir, exist_ok=True)
    config = {
        "architecture": "LlamaForCausalLM",
        "dtype": "bfloat16",
        "mapping": {"world_size": args.tp_size * args.pp_size, "tp_size": args.tp_size, "pp_size": args.pp_size},
        "quantization": quantization,
    }
    write(os.path.join(args.output_dir, "config.json"), json.dumps(config).encode())
    for rank in range(args.tp_size * args.pp_size):
        write(os.path.join(args.output_dir, f"rank{rank}.safetensors"), safetensors(f"{quantization}{rank}"))
