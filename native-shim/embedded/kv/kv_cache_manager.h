// Who holds which KV blocks, and what the idle ones still remember. Accounting only: it touches no
// memory. A block is tokensPerBlock tokens of one slot, counted as used once its first token is stored.
// A slot that a request has left keeps its tokens for the next prompt that begins alike, until the pool
// or the slot is needed; such blocks count as free.
#pragma once

#include "runner/model_runner.h"

#include <optional>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

/// Not thread-safe.
class KvCacheManager
{
public:
    KvCacheManager(SizeType32 slots, SizeType32 maxBlocks, SizeType32 tokensPerBlock, bool enableBlockReuse);

    /// Promises blocks for `totalTokens` (prompt and answer) to a request, so that it can always run to
    /// its end, and takes the idle slot that remembers most of its prompt. nullopt: no slot or no blocks.
    [[nodiscard]] std::optional<Slot> reserve(VecTokens const& prompt, SizeType32 totalTokens);

    struct Prefix
    {
        SizeType32 length;            // tokens of the prompt that need no computing; below the prompt's length
        std::optional<Slot> copyFrom; // where they are, if not in the slot itself
    };

    /// The longest stored beginning of `prompt`. At least one token is always left to compute.
    [[nodiscard]] Prefix findPrefix(Slot slot, VecTokens const& prompt) const;
    /// Makes the slot hold the first `prefix.length` tokens of `prompt`. Call once, before the first append.
    RequestPerfMetrics::KvCacheMetrics bindPrefix(Slot slot, VecTokens const& prompt, Prefix const& prefix);
    /// The KV of these tokens was computed. Returns how many blocks that took.
    SizeType32 append(Slot slot, TokenIdType const* tokens, SizeType32 count);

    /// The request has ended; its tokens stay remembered.
    void release(Slot slot);
    /// The request has ended and the slot's content cannot be trusted.
    void discard(Slot slot);

    [[nodiscard]] SizeType32 storedTokens(Slot slot) const;
    [[nodiscard]] KvCacheStats stats() const;

private:
    struct SlotState
    {
        VecTokens tokens;           // whose KV the slot holds
        SizeType32 reservedBlocks{0};
        bool active{false};
        bool bound{false};          // until then an active slot's tokens are an earlier request's
        std::uint64_t lastUsed{0};
    };

    [[nodiscard]] SizeType32 blocksFor(std::size_t tokens) const;
    [[nodiscard]] SizeType32 usedBlocks() const;
    [[nodiscard]] SizeType32 reservedBlocks() const;
    void evictIdleBeyond(SizeType32 blocks);

    std::vector<SlotState> mSlots;
    SizeType32 mMaxBlocks;
    SizeType32 mTokensPerBlock;
    bool mEnableBlockReuse;
    std::uint64_t mClock{0};
    SizeType32 mNewBlocks{0};
    SizeType32 mReusedBlocks{0};
    SizeType32 mMissedBlocks{0};
};

/// Length of the common beginning of two token sequences.
[[nodiscard]] SizeType32 commonPrefix(VecTokens const& a, VecTokens const& b);

} // namespace tensorrt_llm::executor::embedded
