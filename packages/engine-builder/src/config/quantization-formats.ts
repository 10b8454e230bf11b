/** What a quantization of the weights is to the tools, to the memory and to the hardware. */
export interface QuantizationFormat {
  /** `quant_algo` in the checkpoint's config.json. */
  readonly algorithm: string | null;
  /** ModelOpt makes it; else convert_checkpoint.py does. */
  readonly byModelOpt: boolean;
  /** Bits of a quantized weight, without scales. */
  readonly weightBits: number | undefined;
  /** Weights along the input that share a scale; `undefined` where a whole row or tensor does. */
  readonly group: number | undefined;
  /** What the matrix products compute in. */
  readonly compute: "fp16" | "fp8" | "fp4" | "int8";
  readonly calibrated: boolean;
  /** Compute capabilities that have the kernels. Source: `supportedOn` below. */
  readonly supports: (sm: number) => boolean;
}

/** TensorRT-LLM's builder refuses INT8, INT4 and per-channel scales on these. Source: tensorrt_llm/builder.py. */
const beforeBlackwell = (sm: number) => sm >= 80 && sm < 100;
const hopperOnly = (sm: number) => sm === 90;
const ada = (sm: number) => sm >= 89;
const adaAndHopper = (sm: number) => sm === 89 || sm === 90;
const blackwell = (sm: number) => sm >= 100;
const any = (sm: number) => sm >= 80;

/**
 * By the name in the configuration. Sources: QuantAlgo in tensorrt_llm/quantization/mode.py, ModelOpt's export, the
 * support matrix of TensorRT-LLM's documentation, and the checks of tensorrt_llm/builder.py.
 */
export const quantizationFormats = {
  none: format(null, true, undefined, undefined, "fp16", false, any),
  fp8: format("FP8", true, 8, undefined, "fp8", true, ada),
  "fp8-rowwise": format("FP8_PER_CHANNEL_PER_TOKEN", true, 8, undefined, "fp8", false, hopperOnly),
  nvfp4: format("NVFP4", true, 4, 16, "fp4", true, blackwell),
  "int8-weight-only": format("W8A16", false, 8, undefined, "fp16", false, beforeBlackwell),
  "int4-weight-only": format("W4A16", false, 4, undefined, "fp16", false, beforeBlackwell),
  "int8-smoothquant": format("W8A8_SQ_PER_CHANNEL", true, 8, undefined, "int8", true, beforeBlackwell),
  "int4-awq": format("W4A16_AWQ", true, 4, 128, "fp16", true, beforeBlackwell),
  "int4-gptq": format("W4A16_GPTQ", false, 4, 128, "fp16", false, beforeBlackwell),
  "w4a8-awq": format("W4A8_AWQ", true, 4, 128, "fp8", true, adaAndHopper),
} as const satisfies Record<string, QuantizationFormat>;

export type WeightQuantization = keyof typeof quantizationFormats;

export const weightQuantizations = Object.keys(quantizationFormats) as [
  WeightQuantization,
  ...WeightQuantization[],
];

function format(
  algorithm: string | null,
  byModelOpt: boolean,
  weightBits: number | undefined,
  group: number | undefined,
  compute: QuantizationFormat["compute"],
  calibrated: boolean,
  supports: QuantizationFormat["supports"],
): QuantizationFormat {
  return { algorithm, byModelOpt, weightBits, group, compute, calibrated, supports };
}

/** What keys and values are stored in. */
export const kvCacheTypes = {
  /** The type the model computes in: 16 bits. */
  auto: { algorithm: null, supports: any },
  fp8: { algorithm: "FP8", supports: ada },
  int8: { algorithm: "INT8", supports: beforeBlackwell },
  nvfp4: { algorithm: "NVFP4", supports: blackwell },
} as const;

export type KvCacheType = keyof typeof kvCacheTypes;
