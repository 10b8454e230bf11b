// Speculative decoding in the configuration of the embedded executor.
#pragma once

#include "load_model.h"

#include <nlohmann/json_fwd.hpp>

namespace tensorrt_llm::executor::embedded
{

struct SpeculativeConfig
{
    Speculation speculation; // without its model
    std::optional<std::filesystem::path> draftModel;
};

/// `options`: of the embedded executor. Names are those of TensorRT-LLM's NGramDecodingConfig and
/// DraftTargetDecodingConfig. Throws trtllm_shim::StatusError.
[[nodiscard]] std::optional<SpeculativeConfig> parseSpeculativeConfig(nlohmann::json const& options);

/// `engine` as a model whose executors speculate. Loads the draft model, where there is one, for the engine's
/// `options`. Throws as loadModel, also where its vocabulary is another than the engine's.
[[nodiscard]] std::shared_ptr<Model> speculating(LoadedModel const& engine, SpeculativeConfig const& config,
    LoadOptions const& options, std::function<bool(float)> const& progress);

} // namespace tensorrt_llm::executor::embedded
