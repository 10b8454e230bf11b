/** Whether and how TensorRT-LLM 1.0 to 1.2 builds a TensorRT engine of a model. */
export interface TensorRtLlmSupport {
  readonly supported: boolean;
  /** Its class for the architecture, in `tensorrt_llm.models`. */
  readonly modelClass: string | undefined;
  /** `convert_checkpoint.py` whose arguments are known here. `quantize.py` serves the others. */
  readonly converter: Converter | undefined;
  /** Why not; empty where it is supported. */
  readonly reason: string;
}

export type Converter = "llama" | "qwen";

/** Architectures by TensorRT-LLM's class. Source: MODEL_MAP in tensorrt_llm/models/__init__.py, release line 1.0. */
const architectures: Readonly<Record<string, readonly string[]>> = {
  LLaMAForCausalLM: [
    "LlamaForCausalLM",
    "MistralForCausalLM",
    "MixtralForCausalLM",
    "ArcticForCausalLM",
    "ExaoneForCausalLM",
    "GraniteForCausalLM",
    "GraniteMoeForCausalLM",
    "InternLMForCausalLM",
    "InternLM2ForCausalLM",
    "SkyworkForCausalLM",
  ],
  QWenForCausalLM: [
    "QWenLMHeadModel",
    "Qwen2ForCausalLM",
    "Qwen2MoeForCausalLM",
    "Qwen3ForCausalLM",
    "Qwen3MoeForCausalLM",
  ],
  GemmaForCausalLM: ["GemmaForCausalLM", "Gemma2ForCausalLM", "Gemma3ForCausalLM"],
  GPTForCausalLM: [
    "GPT2LMHeadModel",
    "GPTBigCodeForCausalLM",
    "Starcoder2ForCausalLM",
    "NemotronForCausalLM",
  ],
  PhiForCausalLM: ["PhiForCausalLM"],
  Phi3ForCausalLM: ["Phi3ForCausalLM", "Phi3SmallForCausalLM", "PhiMoEForCausalLM"],
  OPTForCausalLM: ["OPTForCausalLM"],
  BloomForCausalLM: ["BloomForCausalLM"],
  FalconForCausalLM: ["FalconForCausalLM", "RWForCausalLM"],
  GPTJForCausalLM: ["GPTJForCausalLM"],
  GPTNeoXForCausalLM: ["GPTNeoXForCausalLM"],
  MPTForCausalLM: ["MPTForCausalLM", "MptForCausalLM"],
  ChatGLMForCausalLM: ["ChatGLMModel", "ChatGLMForConditionalGeneration", "GLMModel"],
  BaichuanForCausalLM: ["BaichuanForCausalLM", "BaiChuanForCausalLM"],
  DbrxForCausalLM: ["DbrxForCausalLM"],
  CohereForCausalLM: ["CohereForCausalLM"],
  DeepseekForCausalLM: ["DeepseekForCausalLM"],
  DeepseekV2ForCausalLM: ["DeepseekV2ForCausalLM"],
  DeciLMForCausalLM: ["DeciLMForCausalLM"],
  GrokForCausalLM: ["Grok1ModelForCausalLM"],
  RecurrentGemmaForCausalLM: ["RecurrentGemmaForCausalLM"],
};

const converters: Readonly<Record<string, Converter>> = {
  LlamaForCausalLM: "llama",
  MistralForCausalLM: "llama",
  MixtralForCausalLM: "llama",
  QWenLMHeadModel: "qwen",
  Qwen2ForCausalLM: "qwen",
  Qwen2MoeForCausalLM: "qwen",
  Qwen3ForCausalLM: "qwen",
  Qwen3MoeForCausalLM: "qwen",
};

export function tensorRtLlmSupport(architecture: string): TensorRtLlmSupport {
  const modelClass = Object.keys(architectures).find((name) => architectures[name]?.includes(architecture));
  return {
    supported: modelClass !== undefined,
    modelClass,
    converter: converters[architecture],
    reason:
      modelClass === undefined
        ? `TensorRT-LLM 1.0 to 1.2 has no TensorRT engine for ${architecture}; its PyTorch backend (trtllm-serve) may.`
        : "",
  };
}

export const ggufSupport: TensorRtLlmSupport = {
  supported: false,
  modelClass: undefined,
  converter: undefined,
  reason:
    "TensorRT-LLM builds from a Hugging Face checkpoint (safetensors), not from a GGUF. The embedded executor runs it.",
};
