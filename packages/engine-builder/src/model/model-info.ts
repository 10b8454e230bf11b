import type { TensorRtLlmSupport } from "./tensorrt-llm-support.ts";

/** What `inspectModel` found out without loading a weight. Sizes without a unit are counts of elements. */
export interface ModelInfo {
  /** As given, made absolute. */
  readonly path: string;
  /** `"config"`: a config.json without weight files, enough to plan with. */
  readonly format: "safetensors" | "gguf" | "config";
  /** Class that the model names, such as "LlamaForCausalLM"; for a GGUF its architecture, such as "llama". */
  readonly architecture: string;
  /** `model_type` of config.json, or the GGUF's architecture. */
  readonly family: string;
  /** Parameters of the model, also where they are stored packed; `undefined` where that cannot be told. */
  readonly parameterCount: number | undefined;
  /** Bytes of the tensors in the files; 0 without weight files. */
  readonly weightBytes: number;
  /** Type of most weight bytes: "bfloat16", "float16", "float32", or what the file calls it. */
  readonly dtype: string;
  readonly layers: number;
  readonly hiddenSize: number;
  /** Of the dense feed-forward part. */
  readonly intermediateSize: number;
  readonly vocabularySize: number;
  /** Longest sequence the model was made for, in tokens; `undefined` where it does not say. */
  readonly maxPositions: number | undefined;
  /** The output head is the embedding table. */
  readonly tiedEmbeddings: boolean;
  readonly attention: Attention;
  readonly experts: Experts | undefined;
  /** How the stored weights are quantized already. */
  readonly quantization: StoredQuantization | undefined;
  /** Where the parameters are; `undefined` where that cannot be told. */
  readonly weights: WeightGroups | undefined;
  readonly tensorRtLlm: TensorRtLlmSupport;
}

export interface Attention {
  /** Multi-head, grouped-query, multi-query, or multi-head latent attention. */
  readonly kind: "mha" | "gqa" | "mqa" | "mla";
  readonly heads: number;
  /** Heads that keys and values have. */
  readonly kvHeads: number;
  /** Elements of one head. */
  readonly headSize: number;
  readonly slidingWindow: SlidingWindow | undefined;
  /** What MLA stores per token and layer instead of keys and values. */
  readonly latent: { readonly rank: number; readonly ropeSize: number } | undefined;
}

export interface SlidingWindow {
  readonly tokens: number;
  /** How many of the layers look no further back; the others see everything. */
  readonly layers: number;
}

export interface Experts {
  readonly count: number;
  /** Experts that a token uses. */
  readonly perToken: number;
  readonly intermediateSize: number;
  /** Of the part that every token uses; 0 for none. */
  readonly sharedIntermediateSize: number;
}

export interface StoredQuantization {
  /** Such as "gptq", "awq", "fp8", "modelopt", or the GGUF type that most bytes have. */
  readonly method: string;
  /** Bits of one weight where the model says. */
  readonly bits: number | undefined;
  /** Weights that share a scale where the model says. */
  readonly groupSize: number | undefined;
}

/** Parameters by the way a quantization and a parallel mapping treat them. */
export interface WeightGroups {
  readonly embedding: number;
  /** The output head, 0 where it is tied to the embedding. */
  readonly head: number;
  /** Matrices of the attention, of all layers. */
  readonly attention: number;
  /** Matrices of the dense feed-forward part (and shared experts), of all layers. */
  readonly feedForward: number;
  /** Matrices of the experts, of all layers. */
  readonly experts: number;
  /** Norms, biases, routers, position tables, vision parts: what no quantization touches. */
  readonly other: number;
}
