#include "model.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace tensorrt_llm::executor::embedded
{

namespace
{

constexpr SizeType32 kDefaultMaxBatchSize = 8;
constexpr SizeType32 kDefaultMaxNumTokens = 256;

constexpr SizeType32 kDefaultTokensPerBlock = 32;
constexpr SizeType32 kDefaultMaxQueueSize = 1024;

SizeType32 blocksFor(SizeType32 tokens, SizeType32 tokensPerBlock)
{
    return (tokens + tokensPerBlock - 1) / tokensPerBlock;
}

/// The configuration may ask for less than the engine was built for, never for more.
SizeType32 within(char const* name, std::optional<SizeType32> asked, std::optional<SizeType32> engine, SizeType32 otherwise)
{
    if (asked && engine && *asked > *engine)
    {
        throw std::invalid_argument(std::string(name) + " is " + std::to_string(*asked) + "; the engine was built for "
            + std::to_string(*engine) + " at most");
    }
    return asked ? *asked : engine ? *engine : otherwise;
}

} // namespace

Limits resolveLimits(EngineLimits const& engine, ExecutorConfig const& config)
{
    if (config.getSchedulerConfig().getCapacitySchedulerPolicy() != CapacitySchedulerPolicy::kGUARANTEED_NO_EVICT)
    {
        throw std::invalid_argument("the embedded executor schedules by GUARANTEED_NO_EVICT only");
    }
    if (config.getMaxBeamWidth() != 1)
    {
        throw std::invalid_argument("the embedded executor has no beam search: maxBeamWidth must be 1");
    }

    if (!config.getEnableChunkedContext())
    {
        throw std::invalid_argument("the embedded executor always computes long prompts in chunks");
    }

    Limits limits{};
    limits.maxBatchSize = within("maxBatchSize", config.getMaxBatchSize(), engine.maxBatchSize, kDefaultMaxBatchSize);
    limits.maxNumTokens = within("maxNumTokens", config.getMaxNumTokens(), engine.maxNumTokens,
        std::max(kDefaultMaxNumTokens, limits.maxBatchSize));
    if (limits.maxNumTokens < limits.maxBatchSize)
    {
        throw std::invalid_argument("maxNumTokens is " + std::to_string(limits.maxNumTokens)
            + "; one iteration computes a token for each of maxBatchSize " + std::to_string(limits.maxBatchSize)
            + " requests, so it must be at least that");
    }
    limits.maxSequenceTokens = engine.maxSequenceTokens.value_or(kDefaultMaxSequenceTokens);
    limits.tokensPerBlock = engine.tokensPerBlock.value_or(kDefaultTokensPerBlock);

    auto const whole = limits.maxBatchSize * blocksFor(limits.maxSequenceTokens, limits.tokensPerBlock);
    auto const maxTokens = config.getKvCacheConfig().getMaxTokens();
    limits.kvBlocks = maxTokens ? std::min(whole, blocksFor(*maxTokens, limits.tokensPerBlock)) : whole;
    limits.maxQueueSize = config.getMaxQueueSize().value_or(kDefaultMaxQueueSize);
    limits.enableBlockReuse = engine.keepsPrefixes && config.getKvCacheConfig().getEnableBlockReuse();
    return limits;
}

} // namespace tensorrt_llm::executor::embedded
