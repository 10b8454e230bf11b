#include "kv/block_pool.h"

namespace tensorrt_llm::executor::embedded
{

BlockPool::BlockPool(SizeType32 primaryBlocks, SizeType32 secondaryBlocks)
    : mLevels{Level{primaryBlocks, {}, 0, {}}, Level{secondaryBlocks, {}, 0, {}}}
{
    // Lowest ids are taken first.
    for (BlockId id = primaryBlocks + secondaryBlocks - 1; id >= 0; --id)
    {
        giveEmpty(id);
    }
}

SizeType32 BlockPool::blocks(SizeType32 level) const
{
    return mLevels[level].blocks;
}

SizeType32 BlockPool::freeBlocks(SizeType32 level) const
{
    return static_cast<SizeType32>(mLevels[level].empty.size()) + mLevels[level].cached;
}

std::optional<BlockId> BlockPool::takeEmpty(SizeType32 level)
{
    auto& empty = mLevels[level].empty;
    if (empty.empty())
    {
        return std::nullopt;
    }
    auto const id = empty.back();
    empty.pop_back();
    return id;
}

void BlockPool::giveEmpty(BlockId id)
{
    mLevels[id < mLevels[kPrimaryLevel].blocks ? kPrimaryLevel : kSecondaryLevel].empty.push_back(id);
}

Block* BlockPool::nextToEvict(SizeType32 level) const
{
    auto const& evictable = mLevels[level].evictable;
    return evictable.empty() ? nullptr : std::get<Block*>(*evictable.begin());
}

void BlockPool::addCached(Block& block, Block::TimePoint now)
{
    ++mLevels[block.level].cached;
    block.releaseOrder = ++mClock;
    if (block.duration && block.priority != KvCacheRetentionConfig::kDefaultRetentionPriority)
    {
        block.expiration = now + *block.duration;
        mExpiring.emplace(*block.expiration, block.releaseOrder, &block);
    }
    update(block);
}

void BlockPool::removeCached(Block& block)
{
    --mLevels[block.level].cached;
    mLevels[block.level].evictable.erase(order(block));
    if (block.expiration)
    {
        mExpiring.erase({*block.expiration, block.releaseOrder, &block});
        block.expiration.reset();
    }
    block.releaseOrder = 0;
}

void BlockPool::update(Block& block)
{
    if (block.isRoot() || block.releaseOrder == 0)
    {
        return;
    }
    auto& evictable = mLevels[block.level].evictable;
    if (block.childrenAt[block.level] == 0)
    {
        evictable.insert(order(block));
    }
    else
    {
        evictable.erase(order(block));
    }
}

void BlockPool::expire(Block::TimePoint now)
{
    while (!mExpiring.empty() && std::get<Block::TimePoint>(*mExpiring.begin()) <= now)
    {
        auto& block = *std::get<Block*>(*mExpiring.begin());
        removeCached(block);
        block.priority = KvCacheRetentionConfig::kDefaultRetentionPriority;
        addCached(block, now);
    }
}

BlockPool::Order BlockPool::order(Block& block)
{
    return {block.priority, block.releaseOrder, &block};
}

} // namespace tensorrt_llm::executor::embedded
