import { resolve } from "node:path";
import { expect, test } from "vitest";
import { type ExecutorOptions, executorConfig } from "./config.ts";
import { ConfigError } from "./errors.ts";

function problem(options: object): string {
  try {
    executorConfig("model.gguf", options as ExecutorOptions);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error("the options were taken");
}

test("Without options the document names only the engine, by its absolute path.", () => {
  expect(JSON.parse(executorConfig("model.gguf", {}))).toEqual({
    engine: resolve("model.gguf"),
    executor: {},
  });
});

test("Options go to the executor's part of the document, embedded ones beside it.", () => {
  const json = executorConfig("/m.gguf", {
    maxBatchSize: 8,
    maxQueueSize: 64,
    kvCache: { maxTokens: 4096, enableBlockReuse: false },
    embedded: { threads: 2, maxSequenceTokens: 512 },
  });
  expect(JSON.parse(json)).toEqual({
    engine: "/m.gguf",
    executor: { maxBatchSize: 8, maxQueueSize: 64, kvCache: { maxTokens: 4096, enableBlockReuse: false } },
    embedded: { threads: 2, maxSequenceTokens: 512 },
  });
});

test("An unknown option is refused with the name that was probably meant.", () => {
  expect(problem({ maxBatchsize: 8 })).toContain(
    'Unknown option "maxBatchsize": did you mean "maxBatchSize"?',
  );
  expect(problem({ kvCache: { enableBlockReuze: true } })).toContain(
    'Unknown option "kvCache.enableBlockReuze": did you mean "enableBlockReuse"?',
  );
});

test("An unknown option that resembles none is refused with the list of known ones.", () => {
  expect(problem({ embedded: { gpuLayers: 4 } })).toContain(
    "known are runner, threads, maxSequenceTokens, tokensPerBlock, kvCachePrecision",
  );
});

test.each([
  [{ maxBatchSize: 0 }, "maxBatchSize is 0"],
  [{ maxBatchSize: 1.5 }, "maxBatchSize is 1.5"],
  [{ maxNumTokens: Number.NaN }, "maxNumTokens is NaN"],
  [{ maxNumTokens: Number.POSITIVE_INFINITY }, "maxNumTokens is Infinity"],
  [{ maxQueueSize: -1 }, "maxQueueSize is -1"],
  [{ maxQueueSize: "8" }, 'maxQueueSize is "8"'],
  [{ kvCache: null }, "kvCache is null"],
  [{ kvCache: { maxTokens: 2 ** 31 } }, "kvCache.maxTokens is 2147483648"],
  [{ embedded: { threads: 0 } }, "embedded.threads is 0"],
])("The options %j are refused by the name and value of what is wrong.", (options, message) => {
  expect(problem(options)).toContain(message);
});

test("Speculative decoding goes to the embedded executor, its draft model by its absolute path.", () => {
  const config = { decodingType: "DraftTarget", maxDraftLen: 3, speculativeModel: "draft.gguf" } as const;
  const json = executorConfig("/m.gguf", { embedded: { threads: 1, speculativeConfig: config } });
  expect(JSON.parse(json).embedded).toEqual({
    threads: 1,
    speculativeConfig: { ...config, speculativeModel: resolve("draft.gguf") },
  });
});

test.each([
  [{ decodingType: "Medusa" }, 'decodingType is "Medusa"'],
  [{ decodingType: "DraftTarget" }, "needs the path of the draft model"],
  [{ decodingType: "NGram", speculativeModel: "a.gguf" }, 'It belongs to decodingType "DraftTarget"'],
  [
    { decodingType: "DraftTarget", speculativeModel: "a.gguf", maxMatchingNgramSize: 2 },
    "maxMatchingNgramSize",
  ],
  [{ decodingType: "NGram", maxDraftLen: 65 }, "maxDraftLen is 65"],
  [{ decodingType: "NGram", maxDraftLength: 3 }, 'did you mean "maxDraftLen"?'],
])("The speculative configuration %j is refused.", (speculativeConfig, message) => {
  expect(problem({ embedded: { speculativeConfig } })).toContain(message);
});

test("TensorRT-LLM's own options go where TensorRT-LLM reads them.", () => {
  const json = executorConfig("/e", {
    normalizeLogProbs: false,
    parallel: { mode: "orchestrator", deviceIds: [0, 1], orchestrator: { spawnProcesses: true } },
    dynamicBatch: { enableBatchSizeTuning: true, batchSizeTable: [[144, 128]] },
    kvCache: { maxAttentionWindow: [4096], maxGpuTotalBytes: 2 ** 33 },
    tensorrtLlm: { guidedDecodingBackend: "LLGUIDANCE" },
  });
  expect(JSON.parse(json)).toEqual({
    engine: "/e",
    executor: {
      normalizeLogProbs: false,
      parallel: { mode: "orchestrator", deviceIds: [0, 1], orchestrator: { spawnProcesses: true } },
      dynamicBatch: { enableBatchSizeTuning: true, batchSizeTable: [[144, 128]] },
      kvCache: { maxAttentionWindow: [4096], maxGpuTotalBytes: 2 ** 33 },
    },
    tensorrt_llm: { guidedDecodingBackend: "LLGUIDANCE" },
  });
});

test.each([
  [{ batchingType: "STATIC" }, /batchingType is "STATIC".*schedulerPolicy/],
  [{ additionalModelOutputs: [] }, /additionalModelOutputs is .*Only tokens/],
  [{ debug: { debugTensorsMaxIterations: 4 } }, /debug\.debugTensorsMaxIterations is 4.*files only/],
])(
  "A field of TensorRT-LLM that cannot be given, as in %j, is refused with the reason.",
  (options, message) => {
    expect(problem(options)).toMatch(message);
  },
);

test("Options of TensorRT-LLM that are misspelled are refused inside too.", () => {
  expect(problem({ parallel: { orchestrator: { spawnProcess: true } } })).toContain(
    'Unknown option "parallel.orchestrator.spawnProcess": did you mean "spawnProcesses"?',
  );
  expect(problem({ cacheTransceiver: { backendType: "TCP" } })).toContain(
    'cacheTransceiver.backendType is "TCP"',
  );
});

test("Every mistake is told at once.", () => {
  expect(problem({ maxBatchSize: 0, kvCache: { maxTokens: -1 } })).toMatch(
    /maxBatchSize.*kvCache\.maxTokens/,
  );
});

test("An empty engine path is refused.", () => {
  expect(() => executorConfig("", {})).toThrow(ConfigError);
});
