// How backend.cpp hands the script to the executor.
#pragma once

#include "script.h"

#include "tensorrt_llm/executor/executor.h"

#include <algorithm>
#include <utility>

namespace synthetic
{

/// Blocks of the KV cache that it claims to have.
inline std::int32_t kvBlocks(Script const& script, tensorrt_llm::executor::ExecutorConfig const& config)
{
    auto const blocks = [](std::int32_t tokens) { return (tokens + kTokensPerBlock - 1) / kTokensPerBlock; };
    auto const kvTokens = config.getKvCacheConfig().getMaxTokens();
    auto const batch = config.getMaxBatchSize().value_or(kDefaultBatchSize);
    return kvTokens ? blocks(*kvTokens) : std::max(100, batch * blocks(script.maxSequenceTokens));
}

} // namespace synthetic

namespace tensorrt_llm::executor
{

class Model
{
public:
    explicit Model(synthetic::Script value)
        : script(std::move(value))
    {
    }

    synthetic::Script const script;
};

} // namespace tensorrt_llm::executor
