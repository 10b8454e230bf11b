#include "check.h"
#include "hash_model.h"
#include "kv_history.h"

#include <set>

namespace
{

using namespace hash_model;
using namespace std::chrono_literals;
using embedded::KvCacheEvents;
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

} // namespace

TEST("block by block the cache does what a plain model of the tree says, and its events tell all of it")
{
    for (unsigned seed = 1; seed <= 400; ++seed)
    {
        kv_history::History history(seed);
        Mirror mirror;
        for (int step = 0; step < 120; ++step)
        {
            history.step();
            mirror.apply(history.events());
            CHECK(cachedIn(mirror) == cachedIn(history.model()));
        }
        auto const& limits = history.limits();
        CHECK(mirror.pools == (std::vector<SizeType32>{limits.kvBlocks, limits.hostKvBlocks}));
        history.clear();
        mirror.apply(history.events());
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
