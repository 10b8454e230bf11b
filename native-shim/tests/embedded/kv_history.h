// Random histories of a KV cache, beside a plain model that must agree with it after every step.
#pragma once

#include "check.h"
#include "reuse_model.h"

#include <random>

namespace kv_history
{

using namespace tensorrt_llm::executor;
using embedded::BlockId;
using embedded::KvCacheManager;
using embedded::Limits;
using embedded::SequenceId;

/// Any change of a block's content is fine with it.
class NoMemory : public embedded::BlockMemory
{
    void moveBlock(BlockId, BlockId) override {}
    void mergeBlock(BlockId, BlockId) override {}
    void dropBlock(BlockId) override {}
};

class History
{
public:
    explicit History(unsigned seed)
        : mRandom(seed)
        , mLimits(randomLimits())
        , mEvents(100'000, 64)
        , mManager(mLimits, mMemory, mEvents)
        , mModel(mLimits)
    {
    }

    /// One random action. Throws check::Failure where cache and model differ.
    void step()
    {
        mNow += std::chrono::milliseconds(pick(0, 3));
        mManager.refresh(mNow);
        mModel.refresh(mNow);
        auto const action = pick(0, 9);
        if (action < 4)
        {
            begin();
        }
        else if (!mRunning.empty() && action < 8)
        {
            compute();
        }
        else if (!mRunning.empty() && action == 8 && mLimits.enableBlockReuse)
        {
            fork();
        }
        else if (!mRunning.empty())
        {
            end();
        }
        checkStats();
    }

    /// Ends every sequence and forgets all content.
    void clear()
    {
        mManager.clear();
        for (auto const& [id, sequence] : mRunning)
        {
            mManager.removeSequence(static_cast<SequenceId>(id), sequence.tokens, 0, mNow);
        }
        mManager.clear();
        CHECK_EQ(mManager.freeBlocks(), mLimits.kvBlocks);
    }

    /// What happened since the last call.
    std::deque<KVCacheEvent> events()
    {
        mEvents.flush();
        return mEvents.latest(std::chrono::milliseconds(0));
    }

    [[nodiscard]] reuse_model::ReuseModel const& model() const
    {
        return mModel;
    }

    [[nodiscard]] Limits const& limits() const
    {
        return mLimits;
    }

    /// A prompt such as its sequences have.
    VecTokens prompt()
    {
        VecTokens tokens;
        for (int i = pick(1, 14); i > 0; --i)
        {
            tokens.push_back(pick(0, 5) > 0 ? 0 : pick(0, 2));
        }
        return tokens;
    }

private:
    struct Running
    {
        VecTokens tokens;
        SizeType32 computed;
    };

    int pick(int low, int high)
    {
        return std::uniform_int_distribution<int>(low, high)(mRandom);
    }

    Limits randomLimits()
    {
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
        return limits;
    }

    std::map<int, Running>::iterator someRunning()
    {
        auto it = mRunning.begin();
        std::advance(it, pick(0, static_cast<int>(mRunning.size()) - 1));
        return it;
    }

    KvCacheRetentionConfig retention()
    {
        std::vector<KvCacheRetentionConfig::TokenRangeRetentionConfig> ranges;
        if (pick(0, 2) == 0)
        {
            ranges.emplace_back(pick(0, 4), 5 + pick(0, 6), pick(0, 100),
                pick(0, 1) == 0 ? std::nullopt : std::optional<MillisecondsType>(pick(1, 20)));
        }
        return KvCacheRetentionConfig(ranges, pick(0, 2) == 0 ? pick(0, 100) : 35);
    }

    void begin()
    {
        auto const tokens = prompt();
        auto const size = static_cast<SizeType32>(tokens.size());
        if (mManager.blocksFor(size) > mManager.freeBlocks())
        {
            return;
        }
        auto const salt = pick(0, 3) > 0 ? -1 : pick(0, 1);
        embedded::ReuseDomain domain;
        domain.cacheSaltID = salt < 0 ? std::nullopt : std::optional<CacheSaltIDType>(salt);
        auto const kept = retention();
        auto const found = mManager.findPrefix(tokens, domain);
        auto const start = mManager.addSequence(static_cast<SequenceId>(mNext), tokens, domain, kept, size);
        auto const expected = mModel.add(mNext, tokens, salt, kept);
        CHECK_EQ(start.reusedTokens, expected.reusedTokens);
        CHECK(start.reusedTokens <= found && start.reusedTokens < size);
        CHECK_EQ(start.metrics.numReusedBlocks, expected.reusedBlocks);
        CHECK_EQ(start.metrics.numMissedBlocks, expected.missedBlocks);
        mRunning[mNext++] = {tokens, start.reusedTokens};
    }

    void compute()
    {
        auto& [id, sequence] = *someRunning();
        auto const size = static_cast<SizeType32>(sequence.tokens.size());
        if (sequence.computed == size)
        {
            if (mManager.freeBlocks() == 0)
            {
                return;
            }
            sequence.tokens.push_back(pick(0, 1));
            mManager.reserve(static_cast<SequenceId>(id), size + 1);
            mModel.reserve(id, size + 1);
        }
        sequence.computed += pick(1, static_cast<SizeType32>(sequence.tokens.size()) - sequence.computed);
        mManager.advance(static_cast<SequenceId>(id), sequence.tokens, sequence.computed);
        mModel.advance(id, sequence.tokens, sequence.computed);
    }

    void fork()
    {
        auto const [id, sequence] = *someRunning();
        if (mManager.freeBlocks() == 0 || sequence.computed != static_cast<SizeType32>(sequence.tokens.size()))
        {
            return;
        }
        mManager.forkSequence(static_cast<SequenceId>(mNext), static_cast<SequenceId>(id), sequence.computed);
        mModel.fork(mNext, id, sequence.computed);
        mRunning[mNext++] = sequence;
    }

    void end()
    {
        auto const it = someRunning();
        auto const computed = pick(0, 9) > 0 ? it->second.computed : 0;
        mManager.removeSequence(static_cast<SequenceId>(it->first), it->second.tokens, computed, mNow);
        mModel.remove(it->first, it->second.tokens, computed, mNow);
        mRunning.erase(it);
    }

    void checkStats()
    {
        auto const stats = mManager.stats();
        CHECK_EQ(stats.freeNumBlocks, mModel.freeBlocks());
        CHECK_EQ(stats.usedNumBlocks, mLimits.kvBlocks - mModel.freeBlocks());
        CHECK_EQ(stats.allocTotalBlocks, mModel.allocTotal);
        CHECK_EQ(stats.allocNewBlocks, mModel.allocNew);
        CHECK_EQ(stats.reusedBlocks, mModel.reused);
        CHECK_EQ(stats.missedBlocks, mModel.missed);
    }

    std::mt19937 mRandom;
    Limits mLimits;
    NoMemory mMemory;
    embedded::KvCacheEvents mEvents;
    KvCacheManager mManager;
    reuse_model::ReuseModel mModel;
    std::map<int, Running> mRunning;
    KvCacheManager::TimePoint mNow{};
    int mNext{1};
};

} // namespace kv_history
