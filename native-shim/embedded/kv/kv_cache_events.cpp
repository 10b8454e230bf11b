#include "kv/kv_cache_events.h"

#include <iterator>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

KvCacheEvents::KvCacheEvents(SizeType32 maxSize, SizeType32 windowSize)
    : mMaxSize(maxSize)
    , mWindowSize(windowSize)
{
}

void KvCacheEvents::created(std::vector<SizeType32> const& blocksPerLevel)
{
    add(KVCacheCreatedData{blocksPerLevel});
}

void KvCacheEvents::stored(std::vector<BlockPtr> const& blocks)
{
    if (blocks.empty() || mMaxSize == 0)
    {
        return;
    }
    KVCacheStoredData data;
    auto const& parent = *blocks.front()->parent;
    data.parentHash = parent.isRoot() ? std::nullopt : std::optional<IdType>(parent.hash);
    for (auto const& block : blocks)
    {
        runtime::VecUniqueTokens tokens;
        for (auto const token : block->tokens)
        {
            tokens.push_back({token, 0});
        }
        data.blocks.emplace_back(block->hash, std::move(tokens), block->domain.loraTaskId, block->level, block->priority);
    }
    add(std::move(data));
}

void KvCacheEvents::removed(Block const& block)
{
    if (!mAdded.empty())
    {
        if (auto* const last = std::get_if<KVCacheRemovedData>(&mAdded.back().data))
        {
            last->blockHashes.push_back(block.hash);
            return;
        }
    }
    add(KVCacheRemovedData{{block.hash}});
}

void KvCacheEvents::levelUpdated(Block const& block, SizeType32 from, SizeType32 to)
{
    add(KVCacheUpdatedData(block.hash).cacheLevelUpdated(from, to));
}

void KvCacheEvents::priorityUpdated(Block const& block, RetentionPriority from, RetentionPriority to)
{
    add(KVCacheUpdatedData(block.hash).priorityUpdated(from, to));
}

void KvCacheEvents::add(KVCacheEventData data)
{
    if (mMaxSize > 0)
    {
        mAdded.emplace_back(mNextId++, std::move(data), mWindowSize);
    }
}

void KvCacheEvents::flush()
{
    if (mAdded.empty())
    {
        return;
    }
    std::lock_guard lock(mMutex);
    mLatest.insert(
        mLatest.end(), std::make_move_iterator(mAdded.begin()), std::make_move_iterator(mAdded.end()));
    mAdded.clear();
    while (mLatest.size() > static_cast<std::size_t>(mMaxSize))
    {
        mLatest.pop_front();
    }
    mReady.notify_all();
}

std::deque<KVCacheEvent> KvCacheEvents::latest(std::optional<std::chrono::milliseconds> timeout)
{
    std::unique_lock lock(mMutex);
    auto const ready = [this] { return mMaxSize == 0 || !mLatest.empty() || mClosed; };
    if (timeout)
    {
        mReady.wait_for(lock, *timeout, ready);
    }
    else
    {
        mReady.wait(lock, ready);
    }
    return std::exchange(mLatest, {});
}

void KvCacheEvents::close()
{
    std::lock_guard lock(mMutex);
    mClosed = true;
    mReady.notify_all();
}

} // namespace tensorrt_llm::executor::embedded
