// Which blocks are free, and which of them go first.
#pragma once

#include "kv/block.h"

#include <set>
#include <tuple>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

/// The blocks of both levels. A block is in use, or cached (in the tree and used by no sequence), or empty.
/// Of cached ones those leave first that have the lowest priority and, within it, were released longest ago;
/// a block with children on its level waits for them.
class BlockPool
{
public:
    BlockPool(SizeType32 primaryBlocks, SizeType32 secondaryBlocks);

    [[nodiscard]] SizeType32 blocks(SizeType32 level) const;
    /// Empty and cached ones.
    [[nodiscard]] SizeType32 freeBlocks(SizeType32 level) const;

    /// nullopt: every block is in use or cached.
    [[nodiscard]] std::optional<BlockId> takeEmpty(SizeType32 level);
    void giveEmpty(BlockId id);

    /// The next one to leave; null where none is cached.
    [[nodiscard]] Block* nextToEvict(SizeType32 level) const;

    /// A block in the tree lost its last user.
    void addCached(Block& block, Block::TimePoint now);
    /// It is used again, or leaves.
    void removeCached(Block& block);
    /// Its children have changed.
    void update(Block& block);

    /// Gives blocks whose priority's duration is over the default priority.
    void expire(Block::TimePoint now);

private:
    using Order = std::tuple<RetentionPriority, std::uint64_t, Block*>;

    struct Level
    {
        SizeType32 blocks;
        std::vector<BlockId> empty;
        SizeType32 cached{0};
        std::set<Order> evictable;
    };

    [[nodiscard]] static Order order(Block& block);

    std::array<Level, 2> mLevels;
    std::set<std::tuple<Block::TimePoint, std::uint64_t, Block*>> mExpiring; // by time, then by release
    std::uint64_t mClock{0};
};

} // namespace tensorrt_llm::executor::embedded
