// Who holds which KV blocks, and what of them can be reused.
#pragma once

#include "kv/block_pool.h"
#include "kv/kv_cache_events.h"
#include "model.h"

#include <memory>
#include <unordered_map>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

/// Blocks are counted and stored as in TensorRT-LLM: a full block whose KV is computed becomes a node of a tree,
/// from where any sequence with the same beginning takes it by reference; the last, partly filled block of a
/// sequence is stored at its end, and taken over or copied by the next. What nobody uses stays until the pool
/// needs the block. Not thread-safe.
class KvCacheManager
{
public:
    using TimePoint = Block::TimePoint;

    /// `memory` and `events` must outlive this.
    KvCacheManager(Limits const& limits, BlockMemory& memory, KvCacheEvents& events);

    struct Start
    {
        SizeType32 reusedTokens; // whose KV the blocks hold already; below the number of tokens
        std::optional<BlockId> copyFrom;
        RequestPerfMetrics::KvCacheMetrics metrics;
    };

    /// Gives a new sequence blocks for all its tokens, of which at least one is left to compute and `mostReused`
    /// at most are found stored. The pool must have blocksFor(tokens) free.
    Start addSequence(SequenceId id, VecTokens const& tokens, ReuseDomain const& domain,
        KvCacheRetentionConfig const& retention, SizeType32 mostReused);
    /// Another sequence of the same tokens, of which `computed` are stored: full blocks are shared, the last one is
    /// to be copied. What is shared was not found in the cache and does not count as reused. The pool must have a
    /// block free.
    Start forkSequence(SequenceId id, SequenceId parent, SizeType32 computed);
    /// Makes room for so many tokens. The pool must have the blocks free.
    void reserve(SequenceId id, SizeType32 tokens);
    /// Takes back the blocks behind so many tokens, none of which advance() was told of.
    void truncate(SequenceId id, SizeType32 tokens);
    /// So many of its tokens are computed now: full blocks become reusable.
    void advance(SequenceId id, VecTokens const& tokens, SizeType32 computed);
    /// The sequence ends; what it computed becomes reusable. `computed` 0: nothing of it can be trusted.
    void removeSequence(SequenceId id, VecTokens const& tokens, SizeType32 computed, TimePoint now);

    [[nodiscard]] BlockTable const& blocks(SequenceId id) const;
    /// Tokens that addSequence would find stored.
    [[nodiscard]] SizeType32 findPrefix(VecTokens const& tokens, ReuseDomain const& domain) const;

    /// Forgets all content that no sequence uses.
    void clear();
    /// Once an iteration, before it: ends retention durations that are over.
    void refresh(TimePoint now);

    [[nodiscard]] SizeType32 blocksFor(SizeType32 tokens) const;
    [[nodiscard]] SizeType32 freeBlocks() const;
    [[nodiscard]] KvCacheStats stats() const;

private:
    struct Sequence
    {
        ReuseDomain domain;
        RetentionPriority decodePriority;
        std::optional<MillisecondsType> decodeDuration;
        std::vector<BlockPtr> blocks;
        BlockTable table;      // their ids
        SizeType32 stored{0};  // blocks at the beginning that are in the tree
    };

    struct Match
    {
        BlockPtr block;
        SizeType32 tokens{0};
    };

    [[nodiscard]] Match findMatch(Block const* parent, VecTokens const& tokens) const;
    [[nodiscard]] bool hasRoomFor(Match const& match, SizeType32 blocksToCome) const;
    [[nodiscard]] Block const* findRoot(ReuseDomain const& domain) const;
    [[nodiscard]] VecTokens key(VecTokens const& tokens, SizeType32 block, SizeType32 usable) const;
    [[nodiscard]] Block& root(ReuseDomain const& domain);
    [[nodiscard]] BlockPtr useMatch(
        Match const& match, RetentionPriorityAndDuration const& retention, Sequence& sequence, Start& start);
    void append(Sequence& sequence, BlockPtr block);
    [[nodiscard]] BlockPtr takeBlock(RetentionPriority priority, std::optional<MillisecondsType> duration);
    [[nodiscard]] BlockId takePrimary();
    [[nodiscard]] BlockId takeSecondary();
    void acquire(Block& block);
    void release(Block& block, TimePoint now);
    void setRetention(Block& block, RetentionPriorityAndDuration const& retention);
    void storeBlock(Sequence& sequence, SizeType32 index, VecTokens tokens, std::vector<BlockPtr>& stored);
    void shareStored(Sequence& sequence, SizeType32 index, BlockPtr const& existing);
    void setPlace(Block& block, BlockId id, SizeType32 level);
    void onboard(Block& block);
    void detach(Block& block);
    void evict(Block& block);

    SizeType32 const mTokensPerBlock;
    bool const mEnableBlockReuse;
    bool const mEnablePartialReuse;
    bool const mCopyOnPartialReuse;
    SizeType32 const mLeastPartialTokens;
    bool const mOnboardBlocks;
    RetentionPriority const mOffloadMinPriority;
    BlockMemory& mMemory;
    KvCacheEvents& mEvents;
    BlockPool mPool;
    std::map<ReuseDomain, Block> mRoots;
    std::unordered_map<SequenceId, Sequence> mSequences;
    TimePoint mNow{};

    SizeType32 mAllocTotalBlocks{0};
    SizeType32 mAllocNewBlocks{0};
    SizeType32 mReusedBlocks{0};
    SizeType32 mMissedBlocks{0};
};

/// Length of the common beginning of two token sequences.
[[nodiscard]] SizeType32 commonPrefix(VecTokens const& a, VecTokens const& b);

} // namespace tensorrt_llm::executor::embedded
