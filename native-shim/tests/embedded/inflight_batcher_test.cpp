#include "check.h"
#include "hash_model.h"
#include "scheduler/inflight_batcher.h"

#include <algorithm>
#include <map>
#include <random>

namespace
{

using namespace hash_model;
using embedded::Clock;
using embedded::IncomingRequest;
using embedded::InflightBatcher;

struct Setup
{
    SizeType32 maxBatchSize{4};
    SizeType32 maxNumTokens{16};
    SizeType32 maxSequenceTokens{64};
    SizeType32 tokensPerBlock{4};
    SizeType32 kvBlocks{64};
    SizeType32 hostKvBlocks{0};
    bool enableBlockReuse{true};
    bool inSlots{false}; // which of the two runners
    CapacitySchedulerPolicy policy{CapacitySchedulerPolicy::kGUARANTEED_NO_EVICT};
    ContextChunkingPolicy chunking{ContextChunkingPolicy::kFIRST_COME_FIRST_SERVED};

    [[nodiscard]] Limits limits() const
    {
        Limits limits;
        limits.maxBatchSize = maxBatchSize;
        limits.maxNumTokens = maxNumTokens;
        limits.maxSequenceTokens = maxSequenceTokens;
        limits.tokensPerBlock = tokensPerBlock;
        limits.kvBlocks = kvBlocks;
        limits.hostKvBlocks = hostKvBlocks;
        limits.enableBlockReuse = enableBlockReuse;
        limits.capacityPolicy = policy;
        limits.chunkingPolicy = chunking;
        return limits;
    }
};

struct Answer
{
    VecTokens tokens;
    std::map<SizeType32, VecTokens> others; // of sequences after the first
    int finals{0};
    int sequenceFinals{0};
    FinishReason reason{FinishReason::kNOT_FINISHED};
    bool failed{false};
    std::optional<RequestPerfMetrics> metrics;
};

/// The batcher on the hash model, with what each request got so far.
class Harness
{
public:
    explicit Harness(Setup const& setup)
        : mEvents(0, setup.maxSequenceTokens)
        , mRunner(makeRunner(setup))
        , batcher(*mRunner, setup.limits(), mEvents)
    {
    }

    bool admit(IdType id, VecTokens const& prompt, SizeType32 maxTokens, std::optional<SizeType32> endId = {})
    {
        OutputConfig output;
        output.returnPerfMetrics = true;
        Request request(prompt, maxTokens, true, SamplingConfig(), output, endId);
        return batcher.tryAdmit({id, request, Clock::now()});
    }

    bool admit(IdType id, Request const& request)
    {
        return batcher.tryAdmit({id, request, Clock::now()});
    }

    InflightBatchingStats step()
    {
        std::vector<Response> responses;
        auto const stats = batcher.step(mIteration++, responses);
        take(responses);
        checkAccounting();
        return stats;
    }

    bool cancel(IdType id)
    {
        std::vector<Response> responses;
        bool const known = batcher.finish(id, FinishReason::kCANCELLED, responses);
        take(responses);
        checkAccounting();
        return known;
    }

    void runToEnd()
    {
        while (batcher.activeRequests() > 0)
        {
            step();
        }
    }

private:
    void take(std::vector<Response> const& responses)
    {
        for (auto const& response : responses)
        {
            auto& answer = answers[response.getRequestId()];
            CHECK_EQ(answer.finals, 0);
            if (response.hasError())
            {
                answer.failed = true;
                ++answer.finals;
                continue;
            }
            auto const& result = response.getResult();
            auto const& tokens = result.outputTokenIds.at(0);
            auto& sequence = result.sequenceIndex == 0 ? answer.tokens : answer.others[result.sequenceIndex];
            sequence.insert(sequence.end(), tokens.begin(), tokens.end());
            answer.sequenceFinals += result.isSequenceFinal ? 1 : 0;
            if (result.isFinal)
            {
                ++answer.finals;
                answer.reason = result.finishReasons.at(0);
                answer.metrics = result.requestPerfMetrics;
            }
        }
    }

    void checkAccounting()
    {
        auto const stats = batcher.kvCacheStats();
        CHECK(stats.usedNumBlocks >= 0 && stats.usedNumBlocks <= stats.maxNumBlocks);
        CHECK_EQ(stats.freeNumBlocks + stats.usedNumBlocks, stats.maxNumBlocks);
        CHECK(stats.allocNewBlocks <= stats.allocTotalBlocks);
        if (batcher.activeRequests() == 0)
        {
            CHECK_EQ(stats.usedNumBlocks, 0);
        }
    }

    [[nodiscard]] std::unique_ptr<HashRunner> makeRunner(Setup const& setup) const
    {
        if (setup.inSlots)
        {
            return std::make_unique<SlotHashRunner>(setup.limits(), observations);
        }
        return std::make_unique<PagedHashRunner>(setup.limits(), observations);
    }

    IterationType mIteration{0};

public:
    std::shared_ptr<Observations> const observations = std::make_shared<Observations>();

private:
    embedded::KvCacheEvents mEvents;
    std::unique_ptr<HashRunner> mRunner;

public:
    InflightBatcher batcher;
    std::map<IdType, Answer> answers;
};

VecTokens count(SizeType32 length, TokenIdType first = 0)
{
    VecTokens tokens(static_cast<std::size_t>(length));
    for (SizeType32 i = 0; i < length; ++i)
    {
        tokens[static_cast<std::size_t>(i)] = (first + i) % kVocabularySize;
    }
    return tokens;
}

} // namespace

TEST("a request alone gets the model's own greedy answer")
{
    Harness harness({});
    CHECK(harness.admit(1, count(5), 12));
    harness.runToEnd();
    CHECK(harness.answers[1].tokens == expectedAnswer(count(5), 12));
    CHECK(harness.answers[1].reason == FinishReason::kLENGTH);
}

TEST("a prompt longer than a step is computed in chunks while others generate")
{
    Harness harness({});
    CHECK(harness.admit(1, count(3), 20));
    harness.step();
    CHECK(harness.admit(2, count(40, 7), 4));
    auto const first = harness.step();
    CHECK_EQ(first.numGenRequests, 1);
    CHECK_EQ(first.numContextRequests, 1);
    CHECK_EQ(first.numCtxTokens, 15);
    harness.runToEnd();
    CHECK(harness.answers[1].tokens == expectedAnswer(count(3), 20));
    CHECK(harness.answers[2].tokens == expectedAnswer(count(40, 7), 4));
    CHECK_EQ(harness.observations->largestStep.load(), 16u);
}

TEST("the end token ends the answer and is no part of it")
{
    auto const whole = expectedAnswer(count(5), 12);
    auto const endId = whole.at(4);
    Harness harness({});
    CHECK(harness.admit(1, count(5), 12, endId));
    harness.runToEnd();
    CHECK(harness.answers[1].reason == FinishReason::kEND_ID);
    CHECK(harness.answers[1].tokens == expectedAnswer(count(5), 12, endId));
}

TEST("a request waits while every slot is taken")
{
    Setup setup;
    setup.maxBatchSize = 1;
    Harness harness(setup);
    CHECK(harness.admit(1, count(4), 2));
    CHECK(!harness.admit(2, count(4), 2));
    harness.runToEnd();
    CHECK(harness.admit(2, count(4), 2));
}

TEST("a request waits while the pool cannot promise its blocks, and gets them when another leaves")
{
    Setup setup;
    setup.kvBlocks = 5; // 20 tokens
    Harness harness(setup);
    CHECK(harness.admit(1, count(8), 4));
    CHECK(!harness.admit(2, count(8, 30), 4));
    CHECK(harness.admit(3, count(4, 50), 4));
    CHECK(harness.cancel(1));
    CHECK(harness.admit(2, count(8, 30), 4));
    harness.runToEnd();
    CHECK(harness.answers[2].tokens == expectedAnswer(count(8, 30), 4));
    CHECK(harness.answers[3].tokens == expectedAnswer(count(4, 50), 4));
}

TEST("a cancelled request ends once, without tokens, and frees its blocks at once")
{
    Harness harness({});
    CHECK(harness.admit(1, count(20), 20));
    harness.step();
    CHECK(harness.batcher.kvCacheStats().usedNumBlocks > 0);
    CHECK(harness.cancel(1));
    CHECK_EQ(harness.batcher.kvCacheStats().usedNumBlocks, 0);
    CHECK(harness.answers[1].reason == FinishReason::kCANCELLED);
    CHECK(harness.answers[1].tokens.empty());
    CHECK(!harness.cancel(1));
}

TEST("a second prompt that begins alike computes only what is new")
{
    Harness harness({});
    CHECK(harness.admit(1, count(24), 4));
    harness.runToEnd();
    auto const before = harness.observations->computedTokens.load();
    auto longer = count(24);
    longer.insert(longer.end(), {9, 9, 9});
    CHECK(harness.admit(2, longer, 1));
    harness.runToEnd();
    CHECK_EQ(harness.observations->computedTokens.load() - before, 3u);
    CHECK(harness.answers[2].tokens == expectedAnswer(longer, 1));
    CHECK_EQ(harness.answers[2].metrics->kvCacheMetrics.numReusedBlocks, 6);
    CHECK_EQ(harness.answers[2].metrics->kvCacheMetrics.numMissedBlocks, 1);
}

TEST("requests that arrive together share the beginning that one of them computes")
{
    Setup setup;
    setup.maxSequenceTokens = 96;
    setup.kvBlocks = 96;
    Harness harness(setup);
    std::size_t separate = 0;
    for (IdType id = 1; id <= 4; ++id)
    {
        auto prompt = count(60);
        prompt.push_back(static_cast<TokenIdType>(id));
        separate += prompt.size();
        CHECK(harness.admit(id, prompt, 2));
    }
    harness.runToEnd();
    for (IdType id = 1; id <= 4; ++id)
    {
        auto prompt = count(60);
        prompt.push_back(static_cast<TokenIdType>(id));
        CHECK(harness.answers[id].tokens == expectedAnswer(prompt, 2));
    }
    CHECK_EQ(harness.observations->computedTokens.load(), separate - 3 * 60 + 4);
}

TEST("without block reuse every prompt is computed whole")
{
    Setup setup;
    setup.enableBlockReuse = false;
    Harness harness(setup);
    for (IdType id = 1; id <= 2; ++id)
    {
        CHECK(harness.admit(id, count(24), 1));
        harness.runToEnd();
    }
    CHECK_EQ(harness.observations->computedTokens.load(), 48u);
    CHECK_EQ(harness.batcher.kvCacheStats().reusedBlocks, 0);
}

TEST("a failing step ends its requests with an error and leaves the batcher usable")
{
    Harness harness({});
    CHECK(harness.admit(1, count(5), 5));
    harness.observations->failAfterSteps = 1;
    harness.step();
    harness.step();
    CHECK(harness.answers[1].failed);
    CHECK_EQ(harness.batcher.activeRequests(), 0);
    CHECK(harness.admit(2, count(5), 5));
    harness.runToEnd();
    CHECK(harness.answers[2].tokens == expectedAnswer(count(5), 5));
}

TEST("a request whose time is over ends as timed out with the tokens it had")
{
    Harness harness({});
    Request request(count(5), 50, true);
    request.setAllottedTimeMs(std::chrono::milliseconds(10));
    auto const arrival = Clock::now();
    CHECK(harness.batcher.tryAdmit({1, request, arrival}));
    harness.step();
    std::vector<Response> responses;
    harness.batcher.finishTimedOut(arrival + std::chrono::milliseconds(9), responses);
    CHECK(responses.empty());
    harness.batcher.finishTimedOut(arrival + std::chrono::milliseconds(10), responses);
    CHECK_EQ(responses.size(), 1u);
    CHECK(responses[0].getResult().finishReasons.at(0) == FinishReason::kTIMED_OUT);
}

TEST("whatever the mix of requests, answers to each, policies, pools and cancels, every answer is the one it gets alone")
{
    for (unsigned seed = 1; seed <= 300; ++seed)
    {
        std::mt19937 random(seed);
        auto const pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
        Setup setup;
        setup.maxBatchSize = pick(1, 6);
        setup.maxNumTokens = setup.maxBatchSize + pick(0, 20);
        setup.tokensPerBlock = pick(1, 8);
        setup.kvBlocks = (setup.maxSequenceTokens + setup.tokensPerBlock) / setup.tokensPerBlock * pick(1, 4);
        setup.hostKvBlocks = pick(0, 1) * pick(0, 20);
        setup.enableBlockReuse = pick(0, 3) > 0;
        setup.inSlots = pick(0, 1) == 1;
        setup.policy = static_cast<CapacitySchedulerPolicy>(pick(0, 2));
        setup.chunking = static_cast<ContextChunkingPolicy>(pick(0, 1));
        Harness harness(setup);

        struct Wanted
        {
            VecTokens prompt;
            SizeType32 maxTokens;
            SizeType32 sequences;
            bool cancelled{false};
        };
        std::map<IdType, Wanted> wanted;
        std::vector<VecTokens> beginnings{count(30), count(17, 40), {}};
        IdType next = 1;
        int toCome = pick(1, 24);
        while (toCome > 0 || harness.batcher.activeRequests() > 0)
        {
            while (toCome > 0 && pick(0, 2) > 0)
            {
                auto prompt = beginnings[static_cast<std::size_t>(pick(0, 2))];
                prompt.resize(static_cast<std::size_t>(pick(0, static_cast<int>(prompt.size()))));
                for (int i = pick(1, 12); i > 0; --i)
                {
                    prompt.push_back(pick(0, kVocabularySize - 1));
                }
                SizeType32 const maxTokens = pick(1, setup.maxSequenceTokens - static_cast<int>(prompt.size()));
                auto sequences = pick(0, 3) == 0 ? pick(1, setup.maxBatchSize) : 1;
                SamplingConfig sampling;
                sampling.setNumReturnSequences(sequences);
                Request request(prompt, maxTokens, true, sampling);
                if (embedded::blocksToCompletion(request, setup.tokensPerBlock) > setup.kvBlocks)
                {
                    sequences = 1;
                    request = Request(prompt, maxTokens, true);
                }
                request.setPriority(static_cast<float>(pick(0, 2)) / 2.f);
                if (pick(0, 3) == 0)
                {
                    request.setCacheSaltID(static_cast<CacheSaltIDType>(pick(0, 1)));
                }
                if (!harness.admit(next, request))
                {
                    CHECK(harness.batcher.activeRequests() > 0); // alone, every request fits
                    break;
                }
                wanted[next++] = {prompt, maxTokens, sequences};
                --toCome;
            }
            harness.step();
            if (next > 1 && pick(0, 9) == 0)
            {
                auto const id = static_cast<IdType>(pick(1, static_cast<int>(next) - 1));
                wanted[id].cancelled = harness.cancel(id) || wanted[id].cancelled;
            }
        }
        for (auto const& [id, request] : wanted)
        {
            auto const& answer = harness.answers[id];
            auto const expected = expectedAnswer(request.prompt, request.maxTokens);
            CHECK_EQ(answer.finals, 1);
            CHECK_EQ(answer.sequenceFinals, request.sequences);
            for (auto const& [index, other] : answer.others)
            {
                CHECK(index < request.sequences && other.size() <= expected.size()
                    && std::equal(other.begin(), other.end(), expected.begin()));
                CHECK(request.cancelled || other == expected);
            }
            if (request.cancelled)
            {
                CHECK(answer.reason == FinishReason::kCANCELLED);
                CHECK(answer.tokens.size() <= expected.size()
                    && std::equal(answer.tokens.begin(), answer.tokens.end(), expected.begin()));
            }
            else
            {
                CHECK(answer.tokens == expected);
            }
        }
    }
}
