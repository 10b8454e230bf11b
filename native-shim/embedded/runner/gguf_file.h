#pragma once

#include "runner/lora_weights.h"

#include <filesystem>

namespace tensorrt_llm::executor::embedded
{

/// Throws LoadError unless the file is a whole GGUF: llama.cpp maps it into memory and would meet a missing
/// end only when it computes. Returns the matrices in it that LoRA adapters may change.
LoraShapes checkGgufFile(std::filesystem::path const& file);

/// False where it is only a vocabulary.
bool ggufHoldsWeights(std::filesystem::path const& file);

} // namespace tensorrt_llm::executor::embedded
