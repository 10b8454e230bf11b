#include "batcher_harness.h"

#include <algorithm>
#include <map>
#include <random>

namespace
{

using namespace batcher_harness;

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

TEST("with EQUAL_PROGRESS a short prompt that comes while a long one is computed has its first token after the next step")
{
    Setup setup;
    setup.maxSequenceTokens = 512;
    setup.kvBlocks = 256;
    for (auto const chunking : {ContextChunkingPolicy::kEQUAL_PROGRESS, ContextChunkingPolicy::kFIRST_COME_FIRST_SERVED})
    {
        setup.chunking = chunking;
        Harness harness(setup);
        CHECK(harness.admit(1, count(400), 2));
        harness.step();
        CHECK(harness.admit(2, count(8, 30), 2)); // half of a step
        harness.step();
        CHECK_EQ(harness.answers[2].tokens.size(), chunking == ContextChunkingPolicy::kEQUAL_PROGRESS ? 1u : 0u);
        harness.runToEnd();
        CHECK(harness.answers[1].tokens == expectedAnswer(count(400), 2));
        CHECK(harness.answers[2].tokens == expectedAnswer(count(8, 30), 2));
    }
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

TEST("whatever the mix of requests, answers to each, policies, pools, drafts and cancels, every answer is the one it gets alone")
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
        setup.maxDraftLen = pick(0, 1) * pick(1, 9);
        setup.percentRight = pick(0, 100);
        setup.draftModel = pick(0, 1) == 1;
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
