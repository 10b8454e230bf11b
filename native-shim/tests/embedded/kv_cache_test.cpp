#include "check.h"
#include "hash_model.h"
#include "reuse_model.h"

#include <random>
#include <set>

namespace
{

using namespace hash_model;
using namespace std::chrono_literals;
using embedded::KvCacheEvents;
using embedded::KvCacheManager;
using embedded::ReuseDomain;
using reuse_model::Path;
using reuse_model::ReuseModel;

/// What whoever reads the events knows.
class Mirror
{
public:
    struct Block
    {
        std::optional<IdType> parent;
        VecTokens tokens;
        SizeType32 level;
        SizeType32 priority;
    };

    void apply(std::deque<KVCacheEvent> const& events)
    {
        for (auto const& event : events)
        {
            CHECK_EQ(event.eventId, mNextId++);
            std::visit([&](auto const& data) { take(data); }, event.data);
        }
    }

    std::map<IdType, Block> blocks;
    std::vector<SizeType32> pools;

private:
    void take(KVCacheCreatedData const& data)
    {
        pools = data.numBlocksPerCacheLevel;
    }

    void take(KVCacheStoredData const& data)
    {
        auto parent = data.parentHash;
        for (auto const& stored : data.blocks)
        {
            CHECK(!parent || blocks.count(*parent) == 1);
            VecTokens tokens;
            for (auto const& token : stored.tokens)
            {
                tokens.push_back(token.tokenId);
            }
            CHECK(blocks.emplace(stored.blockHash, Block{parent, tokens, stored.cacheLevel, stored.priority}).second);
            parent = stored.blockHash;
        }
    }

    void take(KVCacheRemovedData const& data)
    {
        for (auto const hash : data.blockHashes)
        {
            CHECK_EQ(blocks.erase(hash), 1u);
        }
    }

    void take(KVCacheUpdatedData const& data)
    {
        auto& block = blocks.at(data.blockHash);
        if (data.cacheLevel)
        {
            CHECK_EQ(block.level, data.cacheLevel->oldValue);
            block.level = data.cacheLevel->newValue;
        }
        if (data.priority)
        {
            block.priority = data.priority->newValue;
        }
    }

    IdType mNextId{0};
};

/// Any change of a block's content is fine with it.
class NoMemory : public embedded::BlockMemory
{
    void moveBlock(BlockId, BlockId) override {}
    void mergeBlock(BlockId, BlockId) override {}
    void dropBlock(BlockId) override {}
};

VecTokens pathTokens(Mirror const& mirror, IdType hash)
{
    auto const& block = mirror.blocks.at(hash);
    auto tokens = block.parent ? pathTokens(mirror, *block.parent) : VecTokens{};
    tokens.insert(tokens.end(), block.tokens.begin(), block.tokens.end());
    return tokens;
}

/// Tokens of a path, level: what both sides must agree on, whatever the salt.
using Cached = std::multiset<std::pair<VecTokens, SizeType32>>;

Cached cachedIn(Mirror const& mirror)
{
    Cached cached;
    for (auto const& [hash, block] : mirror.blocks)
    {
        cached.emplace(pathTokens(mirror, hash), block.level);
    }
    return cached;
}

Cached cachedIn(ReuseModel const& model)
{
    Cached cached;
    for (auto const& [path, node] : model.nodes)
    {
        VecTokens tokens;
        for (auto const& block : path.second)
        {
            tokens.insert(tokens.end(), block.begin(), block.end());
        }
        cached.emplace(tokens, node.level);
    }
    return cached;
}

struct Running
{
    VecTokens tokens;
    SizeType32 computed;
};

} // namespace

TEST("block by block the cache does what a plain model of the tree says, and its events tell all of it")
{
    for (unsigned seed = 1; seed <= 400; ++seed)
    {
        std::mt19937 random(seed);
        auto const pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
        Limits limits;
        limits.tokensPerBlock = pick(1, 5);
        limits.kvBlocks = pick(8, 24);
        limits.hostKvBlocks = pick(0, 1) * pick(1, 8);
        limits.enableBlockReuse = pick(0, 9) > 0;
        limits.enablePartialReuse = pick(0, 2) > 0;
        limits.copyOnPartialReuse = pick(0, 1) == 1;
        limits.leastPartialReuseTokens = pick(1, 2);
        limits.onboardBlocks = pick(0, 4) > 0;
        limits.secondaryOffloadMinPriority = pick(0, 1) * 30;

        NoMemory memory;
        KvCacheEvents events(100'000, 64);
        KvCacheManager manager(limits, memory, events);
        ReuseModel model(limits);
        Mirror mirror;
        std::map<int, Running> running;
        KvCacheManager::TimePoint now{};
        int next = 1;

        auto const someRunning = [&]
        {
            auto it = running.begin();
            std::advance(it, pick(0, static_cast<int>(running.size()) - 1));
            return it;
        };
        for (int step = 0; step < 120; ++step)
        {
            now += std::chrono::milliseconds(pick(0, 3));
            manager.refresh(now);
            model.refresh(now);
            auto const action = pick(0, 9);
            if (action < 4)
            {
                VecTokens tokens;
                for (int i = pick(1, 14); i > 0; --i)
                {
                    tokens.push_back(pick(0, 5) > 0 ? 0 : pick(0, 2));
                }
                if (manager.blocksFor(static_cast<SizeType32>(tokens.size())) > manager.freeBlocks())
                {
                    continue;
                }
                auto const salt = pick(0, 3) > 0 ? -1 : pick(0, 1);
                ReuseDomain domain;
                domain.cacheSaltID = salt < 0 ? std::nullopt : std::optional<CacheSaltIDType>(salt);
                std::vector<KvCacheRetentionConfig::TokenRangeRetentionConfig> ranges;
                if (pick(0, 2) == 0)
                {
                    ranges.emplace_back(pick(0, 4), 5 + pick(0, 6), pick(0, 100),
                        pick(0, 1) == 0 ? std::nullopt : std::optional<MillisecondsType>(pick(1, 20)));
                }
                KvCacheRetentionConfig const retention(ranges, pick(0, 2) == 0 ? pick(0, 100) : 35);
                auto const found = manager.findPrefix(tokens, domain);
                auto const start = manager.addSequence(static_cast<SequenceId>(next), tokens, domain, retention,
                    static_cast<SizeType32>(tokens.size()));
                auto const expected = model.add(next, tokens, salt, retention);
                CHECK_EQ(start.reusedTokens, expected.reusedTokens);
                CHECK(start.reusedTokens <= found && start.reusedTokens < static_cast<SizeType32>(tokens.size()));
                CHECK_EQ(start.metrics.numReusedBlocks, expected.reusedBlocks);
                CHECK_EQ(start.metrics.numMissedBlocks, expected.missedBlocks);
                running[next++] = {tokens, start.reusedTokens};
            }
            else if (!running.empty() && action < 8)
            {
                auto& [id, sequence] = *someRunning();
                auto const size = static_cast<SizeType32>(sequence.tokens.size());
                if (sequence.computed == size)
                {
                    if (manager.freeBlocks() == 0)
                    {
                        continue;
                    }
                    sequence.tokens.push_back(pick(0, 1));
                    manager.reserve(static_cast<SequenceId>(id), size + 1);
                    model.reserve(id, size + 1);
                }
                sequence.computed
                    += pick(1, static_cast<SizeType32>(sequence.tokens.size()) - sequence.computed);
                manager.advance(static_cast<SequenceId>(id), sequence.tokens, sequence.computed);
                model.advance(id, sequence.tokens, sequence.computed);
            }
            else if (!running.empty() && action == 8 && limits.enableBlockReuse)
            {
                auto const [id, sequence] = *someRunning();
                if (manager.freeBlocks() == 0 || sequence.computed != static_cast<SizeType32>(sequence.tokens.size()))
                {
                    continue;
                }
                manager.forkSequence(static_cast<SequenceId>(next), static_cast<SequenceId>(id), sequence.computed);
                model.fork(next, id, sequence.computed);
                running[next++] = sequence;
            }
            else if (!running.empty())
            {
                auto const it = someRunning();
                auto const computed = pick(0, 9) > 0 ? it->second.computed : 0;
                manager.removeSequence(static_cast<SequenceId>(it->first), it->second.tokens, computed, now);
                model.remove(it->first, it->second.tokens, computed, now);
                running.erase(it);
            }

            auto const stats = manager.stats();
            CHECK_EQ(stats.freeNumBlocks, model.freeBlocks());
            CHECK_EQ(stats.usedNumBlocks, limits.kvBlocks - model.freeBlocks());
            CHECK_EQ(stats.allocTotalBlocks, model.allocTotal);
            CHECK_EQ(stats.allocNewBlocks, model.allocNew);
            CHECK_EQ(stats.reusedBlocks, model.reused);
            CHECK_EQ(stats.missedBlocks, model.missed);
            events.flush();
            mirror.apply(events.latest(0ms));
            CHECK(cachedIn(mirror) == cachedIn(model));
        }
        CHECK(mirror.pools == (std::vector<SizeType32>{limits.kvBlocks, limits.hostKvBlocks}));
        manager.clear();
        for (auto const& [id, sequence] : running)
        {
            manager.removeSequence(static_cast<SequenceId>(id), sequence.tokens, 0, now);
        }
        manager.clear();
        CHECK_EQ(manager.freeBlocks(), limits.kvBlocks);
        events.flush();
        mirror.apply(events.latest(0ms));
        CHECK(mirror.blocks.empty());
    }
}

TEST("of too many events the oldest are dropped, and the gap shows")
{
    KvCacheEvents events(2, 64);
    events.created({1, 0});
    events.created({2, 0});
    events.created({3, 0});
    CHECK(events.latest(0ms).empty()); // not before the iteration's end
    events.flush();
    auto const latest = events.latest(0ms);
    CHECK_EQ(latest.size(), 2u);
    CHECK_EQ(latest.front().eventId, 1u);
    CHECK(events.latest(1ms).empty());
    events.close();
    CHECK(events.latest(std::nullopt).empty());
}

TEST("retention ranges are checked, and a block takes that of its first token")
{
    using Range = KvCacheRetentionConfig::TokenRangeRetentionConfig;
    CHECK_THROWS(Range(4, 4));
    CHECK_THROWS(Range(-1, 4));
    CHECK_THROWS(Range(0, 4, 101));
    CHECK_THROWS(KvCacheRetentionConfig({Range(0, 5), Range(4, 8)}));
    CHECK_THROWS(KvCacheRetentionConfig({Range(0), Range(4, 8)}));
    KvCacheRetentionConfig const config({Range(3, 9, 80, 10ms), Range(0, 2, 10)}, 50);
    auto const blocks = config.getPerBlockRetentionPriorityDuration(4, 11);
    CHECK_EQ(blocks.size(), 3u);
    CHECK_EQ(*blocks[0].retentionPriority, 10);
    CHECK_EQ(*blocks[1].retentionPriority, 80);
    CHECK_EQ(*blocks[2].retentionPriority, 80);
    CHECK(*blocks[2].durationMs == 10ms);
    CHECK_EQ(config.getDecodeRetentionPriority(), 50);
}
