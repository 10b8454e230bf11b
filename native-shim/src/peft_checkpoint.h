// A LoRA adapter as Hugging Face PEFT saves it, in the form that TensorRT-LLM takes.
#pragma once

#include "backend.h"

#include <filesystem>

namespace trtllm_shim
{

/// folder: with adapter_config.json and adapter_model.safetensors. The scale, lora_alpha / r, becomes a part of the
/// weights. Throws StatusError: TRTLLM_ERR_ENGINE_NOT_FOUND, TRTLLM_ERR_ENGINE_CORRUPT, or
/// TRTLLM_ERR_ENGINE_INCOMPATIBLE where the engine cannot run it.
[[nodiscard]] tensorrt_llm::executor::LoraConfig readPeftCheckpoint(
    std::filesystem::path const& folder, std::uint64_t taskId, LoraSupport const& engine);

} // namespace trtllm_shim
