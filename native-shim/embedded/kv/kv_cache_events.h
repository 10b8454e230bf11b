// What happened to reusable blocks, for whoever mirrors the tree.
#pragma once

#include "kv/block.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

/// The executor's thread adds and flushes; `latest` may be called from any thread.
class KvCacheEvents
{
public:
    /// maxSize: events kept for `latest`, the oldest are dropped beyond it; 0 records none.
    KvCacheEvents(SizeType32 maxSize, SizeType32 windowSize);

    void created(std::vector<SizeType32> const& blocksPerLevel);
    /// `blocks`: each the parent of the next.
    void stored(std::vector<BlockPtr> const& blocks);
    void removed(Block const& block);
    void levelUpdated(Block const& block, SizeType32 from, SizeType32 to);
    void priorityUpdated(Block const& block, RetentionPriority from, RetentionPriority to);

    /// Makes what was added visible to `latest`; once an iteration.
    void flush();
    /// Drains. Waits for the first event until the timeout, without one until `close`.
    [[nodiscard]] std::deque<KVCacheEvent> latest(std::optional<std::chrono::milliseconds> timeout);
    /// Nothing will be added any more: wakes who waits.
    void close();

private:
    void add(KVCacheEventData data);

    SizeType32 const mMaxSize;
    SizeType32 const mWindowSize;
    IdType mNextId{0};
    std::deque<KVCacheEvent> mAdded;

    std::mutex mMutex;
    std::condition_variable mReady;
    std::deque<KVCacheEvent> mLatest;
    bool mClosed{false};
};

} // namespace tensorrt_llm::executor::embedded
