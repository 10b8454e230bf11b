// LoRA adapters of TensorRT-LLM's form for llama.cpp.
#pragma once

#include "runner/llama_model.h"
#include "runner/lora_weights.h"

#include <memory>

namespace tensorrt_llm::executor::embedded
{

using LlamaAdapterPtr = std::unique_ptr<llama_adapter_lora, decltype(&llama_adapter_lora_free)>;

/// The name that GGUF has for the matrix.
[[nodiscard]] std::string ggufName(LoraTarget const& target);

/// Whether adapters that were trained on the model's Hugging Face form can be carried over: where GGUF orders the rows
/// of a matrix otherwise, it must be known how.
[[nodiscard]] bool takesLora(llama_model const* model);

/// Throws std::exception where llama.cpp does not take it. Not while the model computes.
[[nodiscard]] LlamaAdapterPtr createLlamaAdapter(llama_model* model, std::vector<LoraWeights> const& weights);

} // namespace tensorrt_llm::executor::embedded
