"""OpenVINO GenAI's continuous batching, greedy and past end tokens: what the OpenVINO runner is measured against.

Argument: {"model": directory, "prompts": [[token id]], "newTokens": count, "together": bool, "maxNumTokens": count,
"prefixCaching": bool, "warmUp": bool}. Prints {"tokens": [[token id]], "seconds", "timeToFirstTokenSeconds": [per prompt]}.
"""

import json
import sys
import time

import numpy
import openvino
import openvino_genai


def main():
    task = json.loads(sys.argv[1])
    prompts = task["prompts"]
    scheduler = openvino_genai.SchedulerConfig()
    longest = max(map(len, prompts)) + task["newTokens"]
    scheduler.num_kv_blocks = len(prompts) * (longest // 32 + 2)
    scheduler.max_num_seqs = len(prompts)
    scheduler.max_num_batched_tokens = task["maxNumTokens"]
    scheduler.dynamic_split_fuse = True
    scheduler.enable_prefix_caching = task["prefixCaching"]
    pipeline = openvino_genai.ContinuousBatchingPipeline(task["model"], scheduler, "CPU")
    if task["warmUp"]:
        # Other tokens than those that are measured, so that none of their blocks is there already.
        run(pipeline, [[token - 1 for token in prompt] for prompt in prompts], 4, True)
    print(json.dumps(run(pipeline, prompts, task["newTokens"], task["together"])))


def run(pipeline, prompts, new_tokens, together):
    config = openvino_genai.GenerationConfig()
    config.max_new_tokens = new_tokens
    config.ignore_eos = True
    config.do_sample = False
    start = time.perf_counter()
    first = [0.0] * len(prompts)
    tokens = [[] for _ in prompts]
    groups = [list(range(len(prompts)))] if together else [[index] for index in range(len(prompts))]
    for group in groups:
        begun = time.perf_counter()
        handles = {}
        for index in group:
            ids = openvino.Tensor(numpy.array([prompts[index]], dtype=numpy.int64))
            handles[index] = pipeline.add_request(index, ids, config)
        while pipeline.has_non_finished_requests():
            pipeline.step()
            for index, handle in handles.items():
                while handle.can_read():
                    for output in handle.read().values():
                        tokens[index] += output.generated_ids
                        first[index] = first[index] or time.perf_counter() - begun
    return {"tokens": tokens, "seconds": time.perf_counter() - start, "timeToFirstTokenSeconds": first}


main()
