// What TensorRT-LLM's guided decoding needs to know of a tokenizer, read from the files beside an engine.
#pragma once

#include "tensorrt_llm/executor/executor.h"

#include <filesystem>
#include <optional>
#include <vector>

namespace trtllm_shim
{

/// None where there is no tokenizer.json: requests with a guide are refused then. `vocabularySize`: the engine's.
std::optional<tensorrt_llm::executor::GuidedDecodingConfig> guidedDecodingConfig(
    std::filesystem::path const& directory, std::int32_t vocabularySize,
    tensorrt_llm::executor::GuidedDecodingConfig::GuidedDecodingBackend backend);

/// The texts of tokens by their ids, as a tokenizer.json has them; empty where an id has none.
/// Throws StatusError with TRTLLM_ERR_ENGINE_CORRUPT.
std::vector<std::string> tokenTexts(std::filesystem::path const& tokenizer, std::int32_t vocabularySize);

} // namespace trtllm_shim
