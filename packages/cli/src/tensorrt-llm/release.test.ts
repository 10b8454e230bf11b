import { expect, test } from "vitest";
import { judgeRelease } from "./release.ts";

test.each(["1.0.0", "1.1.0rc4", "1.2.1", "1.2"])("TensorRT-LLM %s is supported.", (version) => {
  expect(judgeRelease(version)).toEqual({ supported: true });
});

test.each([
  ["1.3.0rc20", "trtllm-serve"],
  ["2.0.0", "trtllm-serve"],
  ["0.21.0", "pip install tensorrt_llm==1.2.1"],
  ["?", "pip install tensorrt_llm==1.2.1"],
])("TensorRT-LLM %s is not, and the way on is %s.", (version, way) => {
  expect(judgeRelease(version)).toEqual({ supported: false, fix: expect.stringContaining(way) });
});
