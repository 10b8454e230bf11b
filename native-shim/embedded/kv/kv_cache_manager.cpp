#include "kv/kv_cache_manager.h"

#include <algorithm>
#include <stdexcept>

namespace tensorrt_llm::executor::embedded
{

SizeType32 commonPrefix(VecTokens const& a, VecTokens const& b)
{
    auto const length = std::min(a.size(), b.size());
    return static_cast<SizeType32>(std::mismatch(a.begin(), a.begin() + length, b.begin()).first - a.begin());
}

KvCacheManager::KvCacheManager(
    SizeType32 slots, SizeType32 maxBlocks, SizeType32 tokensPerBlock, bool enableBlockReuse)
    : mSlots(slots)
    , mMaxBlocks(maxBlocks)
    , mTokensPerBlock(tokensPerBlock)
    , mEnableBlockReuse(enableBlockReuse)
{
}

SizeType32 KvCacheManager::blocksFor(std::size_t tokens) const
{
    return (static_cast<SizeType32>(tokens) + mTokensPerBlock - 1) / mTokensPerBlock;
}

SizeType32 KvCacheManager::reservedBlocks() const
{
    SizeType32 blocks = 0;
    for (auto const& slot : mSlots)
    {
        blocks += slot.reservedBlocks;
    }
    return blocks;
}

SizeType32 KvCacheManager::usedBlocks() const
{
    SizeType32 blocks = 0;
    for (auto const& slot : mSlots)
    {
        blocks += slot.active && slot.bound ? blocksFor(slot.tokens.size()) : 0;
    }
    return blocks;
}

std::optional<Slot> KvCacheManager::reserve(VecTokens const& prompt, SizeType32 totalTokens)
{
    auto const blocks = blocksFor(totalTokens);
    if (reservedBlocks() + blocks > mMaxBlocks)
    {
        return std::nullopt;
    }

    // Best: the longest remembered beginning; then an empty slot, so that no memory is lost; then the oldest.
    std::optional<Slot> best;
    SizeType32 bestPrefix = 0;
    for (Slot slot = 0; slot < static_cast<Slot>(mSlots.size()); ++slot)
    {
        auto const& state = mSlots[slot];
        if (state.active)
        {
            continue;
        }
        auto prefix = commonPrefix(state.tokens, prompt);
        prefix = prefix < mTokensPerBlock ? 0 : prefix;
        bool const better = !best || prefix > bestPrefix
            || (prefix == bestPrefix
                && (state.tokens.empty() != mSlots[*best].tokens.empty() ? state.tokens.empty()
                                                                        : state.lastUsed < mSlots[*best].lastUsed));
        if (better)
        {
            best = slot;
            bestPrefix = prefix;
        }
    }
    if (!best)
    {
        return std::nullopt;
    }

    auto& state = mSlots[*best];
    state.active = true;
    state.bound = false;
    state.reservedBlocks = blocks;
    evictIdleBeyond(mMaxBlocks - reservedBlocks());
    return best;
}

void KvCacheManager::evictIdleBeyond(SizeType32 blocks)
{
    while (true)
    {
        SizeType32 remembered = 0;
        SlotState* oldest = nullptr;
        for (auto& slot : mSlots)
        {
            if (!slot.active && !slot.tokens.empty())
            {
                remembered += blocksFor(slot.tokens.size());
                oldest = !oldest || slot.lastUsed < oldest->lastUsed ? &slot : oldest;
            }
        }
        if (remembered <= blocks)
        {
            return;
        }
        oldest->tokens.clear();
    }
}

KvCacheManager::Prefix KvCacheManager::findPrefix(Slot slot, VecTokens const& prompt) const
{
    if (!mEnableBlockReuse)
    {
        return {0, std::nullopt};
    }
    auto const most = static_cast<SizeType32>(prompt.size()) - 1;
    Prefix best{std::min(commonPrefix(mSlots[slot].tokens, prompt), most), std::nullopt};
    for (Slot other = 0; other < static_cast<Slot>(mSlots.size()); ++other)
    {
        auto const length = std::min(commonPrefix(mSlots[other].tokens, prompt), most);
        // A copy moves memory; less than a block is quicker computed again.
        if (other != slot && length >= best.length + mTokensPerBlock)
        {
            best = {length, other};
        }
    }
    return best;
}

RequestPerfMetrics::KvCacheMetrics KvCacheManager::bindPrefix(Slot slot, VecTokens const& prompt, Prefix const& prefix)
{
    auto& state = mSlots[slot];
    if (!state.active || state.bound)
    {
        throw std::logic_error("bindPrefix: the slot has no request that waits for it");
    }
    state.tokens.assign(prompt.begin(), prompt.begin() + prefix.length);
    state.bound = true;

    // A block that is only partly there counts as a new one.
    RequestPerfMetrics::KvCacheMetrics metrics;
    metrics.numReusedBlocks = prefix.length / mTokensPerBlock;
    metrics.numTotalAllocatedBlocks = blocksFor(prefix.length);
    metrics.numNewAllocatedBlocks = metrics.numTotalAllocatedBlocks - metrics.numReusedBlocks;
    auto const looked = blocksFor(prompt.size());
    metrics.numMissedBlocks = looked - metrics.numReusedBlocks;
    metrics.kvCacheHitRate = static_cast<float>(metrics.numReusedBlocks) / static_cast<float>(looked);
    mNewBlocks += metrics.numNewAllocatedBlocks;
    mReusedBlocks += metrics.numReusedBlocks;
    mMissedBlocks += metrics.numMissedBlocks;
    return metrics;
}

SizeType32 KvCacheManager::append(Slot slot, TokenIdType const* tokens, SizeType32 count)
{
    auto& state = mSlots[slot];
    auto const before = blocksFor(state.tokens.size());
    state.tokens.insert(state.tokens.end(), tokens, tokens + count);
    auto const taken = blocksFor(state.tokens.size()) - before;
    if (before + taken > state.reservedBlocks)
    {
        throw std::logic_error("append: more tokens than the request reserved");
    }
    mNewBlocks += taken;
    return taken;
}

void KvCacheManager::release(Slot slot)
{
    auto& state = mSlots[slot];
    state.active = false;
    state.bound = false;
    state.reservedBlocks = 0;
    state.lastUsed = ++mClock;
    if (!mEnableBlockReuse)
    {
        state.tokens.clear();
    }
}

void KvCacheManager::discard(Slot slot)
{
    release(slot);
    mSlots[slot].tokens.clear();
}

SizeType32 KvCacheManager::storedTokens(Slot slot) const
{
    return static_cast<SizeType32>(mSlots[slot].tokens.size());
}

KvCacheStats KvCacheManager::stats() const
{
    auto const used = usedBlocks();
    auto const looked = mReusedBlocks + mMissedBlocks;
    return {mMaxBlocks, mMaxBlocks - used, used, mTokensPerBlock, mNewBlocks + mReusedBlocks, mNewBlocks, mReusedBlocks,
        mMissedBlocks, looked == 0 ? 0.f : static_cast<float>(mReusedBlocks) / static_cast<float>(looked)};
}

} // namespace tensorrt_llm::executor::embedded
