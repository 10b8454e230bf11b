// What an engine directory of trtllm-build says about itself: config.json, rank files, and engine.lock.json where
// trtllm-node has built it.
#pragma once

#include "backend.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace trtllm_shim
{

struct EngineConfig
{
    std::string version; // of the TensorRT-LLM that built it
    std::string architecture;
    std::int32_t tensorParallel{1};
    std::int32_t pipelineParallel{1};
    std::int32_t contextParallel{1};
    std::int32_t vocabularySize{0};
    std::int32_t maxBatchSize{0};
    std::int32_t maxBeamWidth{1};
    std::int32_t maxNumTokens{0};
    std::int32_t maxSequenceTokens{0};
    std::int32_t tokensPerBlock{0};
    std::uint64_t kvBytesPerToken{0}; // of all ranks together; 0 where the layout is not described
    std::uint64_t weightBytes{0};     // of the rank files that are here
    LoraSupport lora;
    std::optional<std::string> computeCapability; // such as "9.0"; only the lock file has it

    [[nodiscard]] std::int32_t worldSize() const
    {
        return tensorParallel * pipelineParallel * contextParallel;
    }
};

/// Throws StatusError with TRTLLM_ERR_ENGINE_NOT_FOUND, _CORRUPT or _INCOMPATIBLE.
EngineConfig readEngineConfig(std::filesystem::path const& directory);

/// What runs the engine.
struct Surroundings
{
    std::string version;      // of TensorRT-LLM here
    std::int32_t processes;   // started together
    bool orchestrated{false}; // the ranks are yet to be started
    bool severalMachines{false};
    std::int32_t rank{0};
    std::optional<std::string> computeCapability; // of this rank's GPU; none: there is no GPU
};

/// Refuses, with TRTLLM_ERR_ENGINE_INCOMPATIBLE or _CORRUPT, an engine that cannot run here: what was found and what is
/// needed.
void checkEngine(std::filesystem::path const& directory, EngineConfig const& engine, Surroundings const& here);

} // namespace trtllm_shim
