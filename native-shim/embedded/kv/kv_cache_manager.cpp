#include "kv/kv_cache_manager.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

SizeType32 commonPrefix(VecTokens const& a, VecTokens const& b)
{
    auto const length = std::min(a.size(), b.size());
    return static_cast<SizeType32>(std::mismatch(a.begin(), a.begin() + length, b.begin()).first - a.begin());
}

KvCacheManager::KvCacheManager(Limits const& limits, BlockMemory& memory, KvCacheEvents& events)
    : mTokensPerBlock(limits.tokensPerBlock)
    , mEnableBlockReuse(limits.enableBlockReuse)
    , mEnablePartialReuse(limits.enablePartialReuse)
    , mCopyOnPartialReuse(limits.copyOnPartialReuse)
    , mLeastPartialTokens(limits.leastPartialReuseTokens)
    , mOnboardBlocks(limits.onboardBlocks)
    , mOffloadMinPriority(limits.secondaryOffloadMinPriority)
    , mMemory(memory)
    , mEvents(events)
    , mPool(limits.kvBlocks, limits.hostKvBlocks)
{
    mEvents.created({limits.kvBlocks, limits.hostKvBlocks});
}

SizeType32 KvCacheManager::blocksFor(SizeType32 tokens) const
{
    return (tokens + mTokensPerBlock - 1) / mTokensPerBlock;
}

SizeType32 KvCacheManager::freeBlocks() const
{
    return mPool.freeBlocks(kPrimaryLevel);
}

BlockTable const& KvCacheManager::blocks(SequenceId id) const
{
    return mSequences.at(id).table;
}

VecTokens KvCacheManager::key(VecTokens const& tokens, SizeType32 block, SizeType32 usable) const
{
    auto const first = std::min(block * mTokensPerBlock, usable);
    auto const last = std::min(first + mTokensPerBlock, usable);
    return {tokens.begin() + first, tokens.begin() + last};
}

Block& KvCacheManager::root(ReuseDomain const& domain)
{
    auto& found = mRoots[domain];
    found.domain = domain;
    return found;
}

Block const* KvCacheManager::findRoot(ReuseDomain const& domain) const
{
    auto const found = mRoots.find(domain);
    return mEnableBlockReuse && found != mRoots.end() ? &found->second : nullptr;
}

/// The child that holds most of `tokens`; one that is full and fits whole, or a part of one.
KvCacheManager::Match KvCacheManager::findMatch(Block const* parent, VecTokens const& tokens) const
{
    if (parent == nullptr || tokens.empty())
    {
        return {};
    }
    auto const exact = parent->children.find(tokens);
    if (exact != parent->children.end())
    {
        return {exact->second, static_cast<SizeType32>(tokens.size())};
    }
    Match best;
    if (!mEnablePartialReuse)
    {
        return best;
    }
    for (auto const& [childTokens, child] : parent->children)
    {
        auto const common = commonPrefix(childTokens, tokens);
        bool const usable = mCopyOnPartialReuse || (child->references == 0 && child->isLeaf());
        if (usable && common > best.tokens && common >= mLeastPartialTokens)
        {
            best = {child, common};
        }
    }
    return best;
}

/// A block that is copied stays until the sequence has all of its own, of which `blocksToCome` are missing.
bool KvCacheManager::hasRoomFor(Match const& match, SizeType32 blocksToCome) const
{
    bool const copies = match.tokens < mTokensPerBlock && !match.block->isLeaf();
    return !copies || match.block->references > 0 || freeBlocks() > blocksToCome;
}

SizeType32 KvCacheManager::findPrefix(VecTokens const& tokens, ReuseDomain const& domain) const
{
    auto const usable = static_cast<SizeType32>(tokens.size()) - 1;
    auto const* parent = findRoot(domain);
    for (SizeType32 index = 0;; ++index)
    {
        auto const match = findMatch(parent, key(tokens, index, usable));
        if (match.tokens < mTokensPerBlock)
        {
            return index * mTokensPerBlock + match.tokens;
        }
        parent = match.block.get();
    }
}

KvCacheManager::Start KvCacheManager::addSequence(
    SequenceId id, VecTokens const& tokens, ReuseDomain const& domain, KvCacheRetentionConfig const& retention,
    SizeType32 mostReused)
{
    auto const size = static_cast<SizeType32>(tokens.size());
    auto const usable = std::min(size - 1, mostReused); // the last token's logits are what the request wants
    auto const retentions = retention.getPerBlockRetentionPriorityDuration(mTokensPerBlock, size);
    auto& sequence = mSequences[id];
    sequence.domain = domain;
    sequence.decodePriority = retention.getDecodeRetentionPriority();
    sequence.decodeDuration = retention.getDecodeDurationMs();

    auto const totalBefore = mAllocTotalBlocks;
    auto const newBefore = mAllocNewBlocks;
    Start start{};
    BlockPtr copied;
    auto const* parent = findRoot(domain);
    for (SizeType32 index = 0; index < blocksFor(size); ++index)
    {
        auto const match = findMatch(parent, key(tokens, index, usable));
        if (match.block && hasRoomFor(match, blocksFor(size) - index))
        {
            copied = useMatch(match, retentions[index], sequence, start);
            ++start.metrics.numReusedBlocks;
        }
        else
        {
            append(sequence,
                takeBlock(retentions[index].retentionPriority.value_or(
                              KvCacheRetentionConfig::kDefaultRetentionPriority),
                    retentions[index].durationMs));
            ++start.metrics.numMissedBlocks;
        }
        bool const whole = match.block && match.tokens == mTokensPerBlock;
        parent = whole ? match.block.get() : nullptr;
        sequence.stored += whole ? 1 : 0;
    }
    if (copied)
    {
        release(*copied, mNow);
    }

    auto& metrics = start.metrics;
    metrics.numTotalAllocatedBlocks = mAllocTotalBlocks - totalBefore;
    metrics.numNewAllocatedBlocks = mAllocNewBlocks - newBefore;
    metrics.kvCacheHitRate = static_cast<float>(metrics.numReusedBlocks)
        / static_cast<float>(metrics.numReusedBlocks + metrics.numMissedBlocks);
    mReusedBlocks += metrics.numReusedBlocks;
    mMissedBlocks += metrics.numMissedBlocks;
    return start;
}

/// Returns the block that is to be copied, still in use, where there is one.
BlockPtr KvCacheManager::useMatch(
    Match const& match, RetentionPriorityAndDuration const& retention, Sequence& sequence, Start& start)
{
    auto const block = match.block;
    start.reusedTokens += match.tokens;
    if (retention.retentionPriority && *retention.retentionPriority != block->priority)
    {
        mEvents.priorityUpdated(*block, block->priority, *retention.retentionPriority);
    }
    acquire(*block);
    if (match.tokens == mTokensPerBlock)
    {
        setRetention(*block, retention);
        onboard(*block);
        append(sequence, block);
        return nullptr;
    }
    onboard(*block);
    if (block->references == 1 && block->isLeaf())
    {
        // Nobody else uses it and nothing follows it: the sequence writes on in it.
        setRetention(*block, retention);
        mEvents.removed(*block);
        detach(*block);
        append(sequence, block);
        return nullptr;
    }
    auto const copy = takeBlock(block->priority, block->duration);
    start.copyFrom = block->id;
    append(sequence, copy);
    return block;
}

KvCacheManager::Start KvCacheManager::forkSequence(SequenceId id, SequenceId parentId, SizeType32 computed)
{
    auto sequence = mSequences.at(parentId);
    auto const full = computed / mTokensPerBlock;
    auto const last = computed % mTokensPerBlock > 0 ? sequence.blocks.at(full) : BlockPtr{};
    sequence.blocks.resize(full);
    sequence.table.resize(full);
    for (auto const& block : sequence.blocks)
    {
        acquire(*block);
    }
    Start start{};
    start.reusedTokens = computed;
    if (last)
    {
        auto const newBefore = mAllocNewBlocks;
        start.copyFrom = last->id;
        append(sequence, takeBlock(last->priority, last->duration));
        start.metrics.numTotalAllocatedBlocks = 1;
        start.metrics.numNewAllocatedBlocks = mAllocNewBlocks - newBefore;
    }
    mSequences.emplace(id, std::move(sequence));
    return start;
}

void KvCacheManager::reserve(SequenceId id, SizeType32 tokens)
{
    auto& sequence = mSequences.at(id);
    while (static_cast<SizeType32>(sequence.blocks.size()) < blocksFor(tokens))
    {
        append(sequence, takeBlock(sequence.decodePriority, sequence.decodeDuration));
    }
}

void KvCacheManager::truncate(SequenceId id, SizeType32 tokens)
{
    auto& sequence = mSequences.at(id);
    while (static_cast<SizeType32>(sequence.blocks.size()) > blocksFor(tokens))
    {
        release(*sequence.blocks.back(), mNow);
        sequence.blocks.pop_back();
        sequence.table.pop_back();
    }
}

void KvCacheManager::append(Sequence& sequence, BlockPtr block)
{
    sequence.table.push_back(block->id);
    sequence.blocks.push_back(std::move(block));
}

void KvCacheManager::advance(SequenceId id, VecTokens const& tokens, SizeType32 computed)
{
    auto& sequence = mSequences.at(id);
    if (!mEnableBlockReuse)
    {
        return;
    }
    std::vector<BlockPtr> stored;
    while ((sequence.stored + 1) * mTokensPerBlock <= computed)
    {
        storeBlock(sequence, sequence.stored, key(tokens, sequence.stored, computed), stored);
        ++sequence.stored;
    }
    mEvents.stored(stored);
}

void KvCacheManager::removeSequence(SequenceId id, VecTokens const& tokens, SizeType32 computed, TimePoint now)
{
    auto& sequence = mSequences.at(id);
    std::vector<BlockPtr> stored;
    if (mEnableBlockReuse)
    {
        for (auto index = sequence.stored; index * mTokensPerBlock < computed; ++index)
        {
            storeBlock(sequence, index, key(tokens, index, computed), stored);
        }
    }
    mEvents.stored(stored);
    // The end first: of blocks with one priority it is evicted first.
    for (auto block = sequence.blocks.rbegin(); block != sequence.blocks.rend(); ++block)
    {
        release(**block, now);
    }
    mSequences.erase(id);
}

/// Puts a computed block into the tree, or gives it up for one with the same content that is there.
void KvCacheManager::storeBlock(
    Sequence& sequence, SizeType32 index, VecTokens tokens, std::vector<BlockPtr>& stored)
{
    auto& parent = index == 0 ? root(sequence.domain) : *sequence.blocks[index - 1];
    auto const existing = parent.children.find(tokens);
    if (existing != parent.children.end())
    {
        shareStored(sequence, index, existing->second);
        return;
    }
    auto const& block = sequence.blocks[index];
    block->parent = &parent;
    block->hash = blockHash(tokens, parent.hash, sequence.domain);
    block->domain = sequence.domain;
    block->tokens = tokens;
    parent.children.emplace(std::move(tokens), block);
    ++parent.childrenAt[block->level];
    mPool.update(parent);
    stored.push_back(block);
}

void KvCacheManager::shareStored(Sequence& sequence, SizeType32 index, BlockPtr const& existing)
{
    auto const own = sequence.blocks[index];
    acquire(*existing);
    if (existing->level == kSecondaryLevel)
    {
        // The content is in primary memory again, in the sequence's own block.
        auto const host = existing->id;
        mMemory.mergeBlock(host, own->id);
        mPool.giveEmpty(host);
        setPlace(*existing, own->id, kPrimaryLevel);
        mEvents.levelUpdated(*existing, kSecondaryLevel, kPrimaryLevel);
    }
    else
    {
        mMemory.mergeBlock(own->id, existing->id);
        mPool.giveEmpty(own->id);
    }
    sequence.blocks[index] = existing;
    sequence.table[index] = existing->id;
}

BlockPtr KvCacheManager::takeBlock(RetentionPriority priority, std::optional<MillisecondsType> duration)
{
    auto block = std::make_shared<Block>();
    block->id = takePrimary();
    block->references = 1;
    block->priority = priority;
    block->duration = duration;
    return block;
}

BlockId KvCacheManager::takePrimary()
{
    ++mAllocTotalBlocks;
    if (auto const id = mPool.takeEmpty(kPrimaryLevel))
    {
        ++mAllocNewBlocks;
        return *id;
    }
    auto* const block = mPool.nextToEvict(kPrimaryLevel);
    if (block == nullptr)
    {
        throw std::logic_error("the KV pool has no free block left");
    }
    if (mOnboardBlocks && mPool.freeBlocks(kSecondaryLevel) > 0 && block->priority >= mOffloadMinPriority)
    {
        auto const id = block->id;
        auto const host = takeSecondary();
        mMemory.moveBlock(id, host);
        mPool.removeCached(*block);
        setPlace(*block, host, kSecondaryLevel);
        mPool.addCached(*block, mNow);
        mEvents.levelUpdated(*block, kPrimaryLevel, kSecondaryLevel);
        return id;
    }
    evict(*block);
    return *mPool.takeEmpty(kPrimaryLevel);
}

BlockId KvCacheManager::takeSecondary()
{
    if (auto const id = mPool.takeEmpty(kSecondaryLevel))
    {
        return *id;
    }
    evict(*mPool.nextToEvict(kSecondaryLevel));
    return *mPool.takeEmpty(kSecondaryLevel);
}

void KvCacheManager::acquire(Block& block)
{
    if (block.references++ == 0)
    {
        mPool.removeCached(block);
    }
}

void KvCacheManager::release(Block& block, TimePoint now)
{
    if (--block.references > 0)
    {
        return;
    }
    if (block.inTree())
    {
        mPool.addCached(block, now);
        return;
    }
    mMemory.dropBlock(block.id);
    mPool.giveEmpty(block.id);
}

void KvCacheManager::setRetention(Block& block, RetentionPriorityAndDuration const& retention)
{
    block.priority = retention.retentionPriority.value_or(block.priority);
    block.duration = retention.durationMs;
}

/// Of a block in the tree that is not cached.
void KvCacheManager::setPlace(Block& block, BlockId id, SizeType32 level)
{
    --block.parent->childrenAt[block.level];
    block.id = id;
    block.level = level;
    ++block.parent->childrenAt[block.level];
    mPool.update(*block.parent);
}

/// Brings the content of a block in use back into primary memory.
void KvCacheManager::onboard(Block& block)
{
    if (block.level == kPrimaryLevel)
    {
        return;
    }
    auto const host = block.id;
    auto const id = takePrimary();
    mMemory.moveBlock(host, id);
    mPool.giveEmpty(host);
    setPlace(block, id, kPrimaryLevel);
    mEvents.levelUpdated(block, kSecondaryLevel, kPrimaryLevel);
}

/// Out of the tree. The block may be gone afterwards, where no sequence uses it.
void KvCacheManager::detach(Block& block)
{
    auto& parent = *block.parent;
    block.parent = nullptr;
    --parent.childrenAt[block.level];
    mPool.update(parent);
    parent.children.erase(VecTokens(block.tokens));
    if (parent.isRoot() && parent.isLeaf())
    {
        mRoots.erase(ReuseDomain(parent.domain));
    }
}

/// A cached block leaves, with what follows it.
void KvCacheManager::evict(Block& block)
{
    while (!block.children.empty())
    {
        evict(*block.children.begin()->second);
    }
    mEvents.removed(block);
    mMemory.dropBlock(block.id);
    mPool.removeCached(block);
    mPool.giveEmpty(block.id);
    detach(block);
}

void KvCacheManager::clear()
{
    for (auto const level : {kPrimaryLevel, kSecondaryLevel})
    {
        while (auto* const block = mPool.nextToEvict(level))
        {
            evict(*block);
        }
    }
}

void KvCacheManager::refresh(TimePoint now)
{
    mNow = now;
    mPool.expire(now);
}

KvCacheStats KvCacheManager::stats() const
{
    auto const free = freeBlocks();
    auto const looked = mReusedBlocks + mMissedBlocks;
    return {mPool.blocks(kPrimaryLevel), free, mPool.blocks(kPrimaryLevel) - free, mTokensPerBlock,
        mAllocTotalBlocks, mAllocNewBlocks, mReusedBlocks, mMissedBlocks,
        looked == 0 ? 0.f : static_cast<float>(mReusedBlocks) / static_cast<float>(looked)};
}

} // namespace tensorrt_llm::executor::embedded
