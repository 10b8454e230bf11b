#include "tensorrt_llm/executor/executor.h"

#include <algorithm>
#include <stdexcept>

namespace tensorrt_llm::executor
{

namespace
{

RetentionPriority checked(RetentionPriority priority)
{
    if (priority < KvCacheRetentionConfig::kMinRetentionPriority
        || priority > KvCacheRetentionConfig::kMaxRetentionPriority)
    {
        throw std::invalid_argument(
            "a retention priority is " + std::to_string(priority) + "; it must be from 0 to 100");
    }
    return priority;
}

} // namespace

KvCacheRetentionConfig::TokenRangeRetentionConfig::TokenRangeRetentionConfig(SizeType32 start,
    std::optional<SizeType32> end, RetentionPriority retentionPriority, std::optional<MillisecondsType> duration)
    : tokenStart(start)
    , tokenEnd(end)
    , priority(checked(retentionPriority))
    , durationMs(duration)
{
    if (start < 0 || (end && *end <= start))
    {
        throw std::invalid_argument("a token range of retention starts at " + std::to_string(start)
            + (end ? " and ends before " + std::to_string(*end) : "")
            + "; it must start at 0 or later and hold a token");
    }
}

KvCacheRetentionConfig::KvCacheRetentionConfig(std::vector<TokenRangeRetentionConfig> const& ranges,
    RetentionPriority decodeRetentionPriority, std::optional<MillisecondsType> decodeDurationMs)
    : mTokenRangeRetentionConfigs(ranges)
    , mDecodeRetentionPriority(checked(decodeRetentionPriority))
    , mDecodeDurationMs(decodeDurationMs)
{
    auto& sorted = mTokenRangeRetentionConfigs;
    std::sort(sorted.begin(), sorted.end(), [](auto const& a, auto const& b) { return a.tokenStart < b.tokenStart; });
    for (std::size_t i = 1; i < sorted.size(); ++i)
    {
        if (!sorted[i - 1].tokenEnd || *sorted[i - 1].tokenEnd > sorted[i].tokenStart)
        {
            throw std::invalid_argument("the token ranges of retention that start at "
                + std::to_string(sorted[i - 1].tokenStart) + " and " + std::to_string(sorted[i].tokenStart)
                + " overlap");
        }
    }
}

std::vector<KvCacheRetentionConfig::TokenRangeRetentionConfig>
KvCacheRetentionConfig::getTokenRangeRetentionConfigs() const
{
    return mTokenRangeRetentionConfigs;
}

RetentionPriority KvCacheRetentionConfig::getDecodeRetentionPriority() const
{
    return mDecodeRetentionPriority;
}

std::optional<MillisecondsType> KvCacheRetentionConfig::getDecodeDurationMs() const
{
    return mDecodeDurationMs;
}

RetentionPriorityAndDuration::RetentionPriorityAndDuration(
    std::optional<RetentionPriority> const& priority, std::optional<MillisecondsType> const& duration)
    : retentionPriority(priority)
    , durationMs(duration)
{
}

std::vector<RetentionPriorityAndDuration> KvCacheRetentionConfig::getPerBlockRetentionPriorityDuration(
    SizeType32 blockSize, SizeType32 seqLen) const
{
    std::vector<RetentionPriorityAndDuration> blocks;
    for (SizeType32 first = 0; first < seqLen; first += blockSize)
    {
        auto const range = std::find_if(mTokenRangeRetentionConfigs.begin(), mTokenRangeRetentionConfigs.end(),
            [&](auto const& each)
            { return each.tokenStart <= first && (!each.tokenEnd || first < *each.tokenEnd); });
        blocks.push_back(range == mTokenRangeRetentionConfigs.end()
                ? RetentionPriorityAndDuration{std::nullopt, std::nullopt}
                : RetentionPriorityAndDuration{range->priority, range->durationMs});
    }
    return blocks;
}

} // namespace tensorrt_llm::executor
