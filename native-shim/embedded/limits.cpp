#include "model.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

namespace tensorrt_llm::executor::embedded
{

namespace
{

constexpr SizeType32 kDefaultMaxBatchSize = 8;

constexpr SizeType32 kDefaultTokensPerBlock = 32;
constexpr SizeType32 kDefaultMaxQueueSize = 1024;
constexpr RetentionPriority kDefaultSecondaryOffloadMinPriority = 30; // TensorRT-LLM's

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

/// The smallest of what is asked for; by default whole sequences for every request of a full batch.
SizeType32 kvBlocks(EngineLimits const& engine, KvCacheConfig const& config, Limits const& limits)
{
    auto const fraction = config.getFreeGpuMemoryFraction();
    if (!config.getMaxTokens() && !fraction)
    {
        return limits.maxBatchSize * blocksFor(limits.maxSequenceTokens, limits.tokensPerBlock);
    }
    auto blocks = std::numeric_limits<SizeType32>::max();
    if (auto const maxTokens = config.getMaxTokens())
    {
        blocks = blocksFor(*maxTokens, limits.tokensPerBlock);
    }
    if (fraction && engine.kvBytesPerToken > 0)
    {
        auto const bytes = static_cast<double>(*fraction) * static_cast<double>(engine.freeMemory);
        auto const fitting = bytes / static_cast<double>(engine.kvBytesPerToken * limits.tokensPerBlock);
        blocks = std::min(blocks, static_cast<SizeType32>(std::clamp(fitting, 1.0, 1e9)));
    }
    return blocks;
}

SizeType32 hostKvBlocks(EngineLimits const& engine, KvCacheConfig const& config, Limits const& limits)
{
    auto const bytesPerBlock = engine.kvBytesPerToken * limits.tokensPerBlock;
    return bytesPerBlock == 0 ? 0 : static_cast<SizeType32>(config.getHostCacheSize().value_or(0) / bytesPerBlock);
}

void setLoraLimits(Limits& limits, PeftCacheConfig const& config)
{
    limits.maxLoraRank = config.getMaxAdapterSize();
    limits.loraCacheBytes = config.getHostCacheSize().value_or(limits.loraCacheBytes);
    PeftCacheConfig const known(0, 0, PeftCacheConfig::kDefaultOptimalAdapterSize, config.getMaxAdapterSize(), 1, 1, 1,
        PeftCacheConfig::kDefaultMaxPagesPerBlockHost, PeftCacheConfig::kDefaultMaxPagesPerBlockDevice, std::nullopt,
        config.getHostCacheSize());
    if (!(config == known))
    {
        throw std::invalid_argument("the embedded executor has one cache of LoRA adapters, without pages: of peftCache "
                                    "it knows maxAdapterSize and hostCacheSize only");
    }
    if (limits.maxLoraRank < 1)
    {
        throw std::invalid_argument("peftCache.maxAdapterSize is " + std::to_string(limits.maxLoraRank)
            + "; it must be at least 1");
    }
}

} // namespace

Limits resolveLimits(EngineLimits const& engine, ExecutorConfig const& config)
{
    if (config.getMaxBeamWidth() > 1
        && config.getSchedulerConfig().getCapacitySchedulerPolicy() == CapacitySchedulerPolicy::kMAX_UTILIZATION)
    {
        throw std::invalid_argument("beams cannot be paused: maxBeamWidth above 1 needs another policy than MAX_UTILIZATION");
    }
    if (!config.getEnableChunkedContext())
    {
        throw std::invalid_argument("the embedded executor always computes long prompts in chunks");
    }

    if (engine.speculation && !engine.keepsPrefixes)
    {
        throw std::invalid_argument("speculative decoding needs a model that can forget its last tokens; the state of a "
                                    "recurrent model cannot be taken back");
    }

    Limits limits{};
    limits.maxBatchSize = within("maxBatchSize", config.getMaxBatchSize(), engine.maxBatchSize, kDefaultMaxBatchSize);
    limits.maxNumTokens = within("maxNumTokens", config.getMaxNumTokens(), engine.maxNumTokens,
        engine.efficientContextTokens + limits.maxBatchSize * (1 + (engine.speculation ? engine.speculation->maxDraftLen : 0)));
    if (limits.maxNumTokens < limits.maxBatchSize)
    {
        throw std::invalid_argument("maxNumTokens is " + std::to_string(limits.maxNumTokens)
            + "; one iteration computes a token for each of maxBatchSize " + std::to_string(limits.maxBatchSize)
            + " requests, so it must be at least that");
    }
    limits.maxSequenceTokens = engine.maxSequenceTokens.value_or(kDefaultMaxSequenceTokens);
    limits.maxQueueSize = config.getMaxQueueSize().value_or(kDefaultMaxQueueSize);
    auto const scheduler = config.getSchedulerConfig();
    limits.capacityPolicy = scheduler.getCapacitySchedulerPolicy();
    limits.chunkingPolicy
        = scheduler.getContextChunkingPolicy().value_or(ContextChunkingPolicy::kFIRST_COME_FIRST_SERVED);

    auto const kvCache = config.getKvCacheConfig();
    limits.tokensPerBlock = engine.tokensPerBlock.value_or(kDefaultTokensPerBlock);
    limits.kvBlocks = kvBlocks(engine, kvCache, limits);
    limits.hostKvBlocks = hostKvBlocks(engine, kvCache, limits);
    limits.enableBlockReuse = engine.keepsPrefixes && kvCache.getEnableBlockReuse();
    limits.enablePartialReuse = kvCache.getEnablePartialReuse();
    limits.copyOnPartialReuse = kvCache.getCopyOnPartialReuse();
    limits.leastPartialReuseTokens = engine.leastPartialReuseTokens;
    limits.onboardBlocks = kvCache.getOnboardBlocks();
    limits.secondaryOffloadMinPriority
        = kvCache.getSecondaryOffloadMinPriority().value_or(kDefaultSecondaryOffloadMinPriority);
    limits.eventBufferMaxSize = static_cast<SizeType32>(kvCache.getEventBufferMaxSize());
    limits.maxBeamWidth = config.getMaxBeamWidth();
    limits.gatherGenerationLogits = config.getGatherGenerationLogits();
    setLoraLimits(limits, config.getPeftCacheConfig().value_or(PeftCacheConfig()));
    limits.speculation = engine.speculation;
    return limits;
}

} // namespace tensorrt_llm::executor::embedded
