// The part of a request that says how many answers it wants, and how beams are searched for them.
#pragma once

#include "backend.h"
#include "json_object.h"

#include <cstdint>

namespace trtllm_shim
{

struct Sequences
{
    std::int32_t computed{1}; // side by side
    std::int32_t returned{1};
    bool areBeams{false};

    /// Whether each tells of its own end.
    [[nodiscard]] bool areSeveral() const
    {
        return computed > 1;
    }
};

/// Throws StatusError with TRTLLM_ERR_INVALID_ARGUMENT or _UNSUPPORTED, as the function below.
Sequences sequencesOf(JsonObject const& object, EngineDescription const& engine);

/// `config` has the request's beam width already.
void setSequences(tensorrt_llm::executor::SamplingConfig& config, JsonObject const& object);

} // namespace trtllm_shim
