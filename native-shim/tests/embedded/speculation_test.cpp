#include "batcher_harness.h"
#include "drafting/ngram_drafter.h"
#include "guided_model.h"
#include "sampling_request.h"

#include <algorithm>
#include <list>

namespace
{

using namespace batcher_harness;
using embedded::NgramDrafter;

VecTokens draftOf(NgramDrafter& drafter, VecTokens const& tokens, SizeType32 maxTokens)
{
    VecTokens draft;
    drafter.draft({{1, tokens, {}, maxTokens, draft}});
    return draft;
}

Setup speculating(SizeType32 maxDraftLen, int percentRight)
{
    Setup setup;
    setup.maxNumTokens = 40;
    setup.maxDraftLen = maxDraftLen;
    setup.percentRight = percentRight;
    return setup;
}

/// The tokens and log-probabilities of requests made by `make`, each with a seed of its own.
std::map<IdType, VecTokens> answersOf(Setup const& setup, std::function<Request(RandomSeedType)> const& make, IdType count)
{
    Harness harness(setup);
    for (IdType id = 1; id <= count;)
    {
        while (id <= count && harness.admit(id, make(id)))
        {
            ++id;
        }
        harness.step();
    }
    harness.runToEnd();
    std::map<IdType, VecTokens> tokens;
    for (auto const& [id, answer] : harness.answers)
    {
        tokens[id] = answer.tokens;
    }
    return tokens;
}

Request sampled(RandomSeedType seed, SizeType32 maxTokens, std::function<void(SamplingConfig&)> const& set)
{
    SamplingConfig config;
    config.setTemperature(1.f);
    config.setTopP(1.f);
    config.setSeed(seed);
    set(config);
    return Request(count(5), maxTokens, true, config);
}

} // namespace

TEST("prompt lookup guesses what followed the longest match of the end, of equal ones the oldest")
{
    NgramDrafter drafter(2);
    CHECK(draftOf(drafter, {1, 2, 3, 4, 5, 9, 2, 3}, 3) == (VecTokens{4, 5, 9}));
    CHECK(draftOf(drafter, {7, 3, 8, 6, 7, 3, 5, 7, 3}, 2) == (VecTokens{8, 6}));
    CHECK(draftOf(drafter, {3, 1, 2, 3, 4, 2, 3}, 1) == (VecTokens{4}));
    CHECK(draftOf(drafter, {1, 1, 1}, 4) == (VecTokens{1}));
    CHECK(draftOf(drafter, {1, 2, 3}, 4).empty());
    CHECK(draftOf(drafter, {1}, 4).empty());
    NgramDrafter longer(5);
    CHECK(draftOf(longer, {9, 1, 2, 3, 7, 4, 1, 2, 3, 8, 4, 1, 2, 3}, 1) == (VecTokens{8}));
    CHECK(draftOf(longer, {9, 1, 2, 3, 7, 4, 1, 2, 3}, 1) == (VecTokens{7}));
    CHECK(draftOf(longer, {5, 1, 2, 7, 4, 1, 2}, 1).empty());
    NgramDrafter single(1);
    CHECK(draftOf(single, {3, 9, 2, 3, 4, 2, 3}, 2) == (VecTokens{9, 2}));
}

TEST("a right draft brings its tokens in one step, and one more")
{
    Harness harness(speculating(3, 100));
    Request request(count(5), 9, true);
    CHECK(harness.admit(1, request));
    harness.step();
    CHECK_EQ(harness.answers[1].tokens.size(), 1u);
    auto const drafts = harness.observations->computedTokens.load();
    while (harness.batcher.activeRequests() > 0)
    {
        auto const before = harness.answers[1].tokens.size();
        auto const inflight = harness.step();
        auto const stats = *harness.batcher.specDecodingStats();
        auto const got = harness.answers[1].tokens.size() - before;
        CHECK_EQ(stats.numAcceptedTokens, stats.numDraftTokens);
        CHECK_EQ(stats.numAcceptedTokens + 1, static_cast<SizeType64>(got));
        CHECK_EQ(inflight.avgNumDecodedTokensPerIter, static_cast<float>(got));
        CHECK(stats.numDraftTokens == 0 || stats.acceptanceLength == static_cast<double>(got));
    }
    CHECK(harness.answers[1].tokens == expectedAnswer(count(5), 9));
    CHECK_EQ(harness.observations->computedTokens.load() - drafts, 8u); // none in vain
}

TEST("a draft model that always agrees brings its tokens in one step, and computes each of them once")
{
    for (bool const inSlots : {false, true})
    {
        auto setup = speculating(3, 100);
        setup.draftModel = true;
        setup.inSlots = inSlots;
        Harness harness(setup);
        CHECK(harness.admit(1, count(5), 13));
        SizeType32 steps = 0;
        for (; harness.batcher.activeRequests() > 0; ++steps)
        {
            harness.step();
        }
        CHECK_EQ(steps, 4); // 1 and three times 4
        CHECK(harness.answers[1].tokens == expectedAnswer(count(5), 13));
        CHECK_EQ(harness.draftObservations->computedTokens.load(), 5u + 3 + 4 + 4);
    }
}

TEST("a draft model reuses what it computed for others, and catches up with a long prompt in chunks")
{
    auto setup = speculating(3, 70);
    setup.draftModel = true;
    setup.maxNumTokens = 16;
    Harness harness(setup);
    CHECK(harness.admit(1, count(40), 6));
    harness.runToEnd();
    CHECK_EQ(harness.draftObservations->largestStep.load(), 16u);
    auto const before = harness.draftObservations->computedTokens.load();
    auto prompt = count(40);
    prompt.push_back(7);
    CHECK(harness.admit(2, prompt, 6));
    harness.runToEnd();
    CHECK(harness.draftObservations->computedTokens.load() - before < 20);
    CHECK(harness.answers[2].tokens == expectedAnswer(prompt, 6));
}

TEST("a draft grows while it is right, shrinks where it is wrong, and then waits")
{
    embedded::DraftLength length;
    CHECK_EQ(length.next(), 3);
    length.settle(3, 3);
    CHECK_EQ(length.next(), 7);
    length.settle(7, 7);
    CHECK_EQ(length.next(), 15);
    length.settle(15, 4);
    CHECK_EQ(length.next(), 15);
    for (SizeType32 const expected : {7, 3, 1})
    {
        length.settle(length.next(), 0);
        CHECK_EQ(length.next(), expected);
    }
    for (int const pause : {16, 32, 64, 128, 128})
    {
        length.settle(1, 0);
        for (int i = 0; i < pause; ++i)
        {
            CHECK_EQ(length.next(), 0);
        }
        CHECK_EQ(length.next(), 1);
    }
    length.settle(1, 1);
    CHECK_EQ(length.next(), 3);
}

TEST("wrong drafts cost steps and change nothing")
{
    for (bool const inSlots : {false, true})
    {
        auto setup = speculating(4, 0);
        setup.inSlots = inSlots;
        Harness harness(setup);
        CHECK(harness.admit(1, count(5), 30));
        harness.runToEnd();
        CHECK(harness.answers[1].tokens == expectedAnswer(count(5), 30));
        auto const& metrics = harness.answers[1].metrics->speculativeDecoding;
        CHECK(metrics.totalDraftTokens >= 4);
        CHECK(metrics.totalAcceptedDraftTokens < 10);
        CHECK_EQ(metrics.acceptanceRate,
            static_cast<float>(metrics.totalAcceptedDraftTokens) / static_cast<float>(metrics.totalDraftTokens));
    }
}

TEST("after every step a sequence holds the blocks that it would hold without drafts, and no more")
{
    auto const blocksByLength = [](Setup const& setup)
    {
        Harness harness(setup);
        std::map<std::size_t, SizeType32> blocks;
        CHECK(harness.admit(1, count(5), 40));
        while (harness.batcher.activeRequests() > 0)
        {
            harness.step();
            blocks[harness.answers[1].tokens.size()] = harness.batcher.kvCacheStats().usedNumBlocks;
        }
        return blocks;
    };
    for (int const percentRight : {0, 50, 90, 100})
    {
        auto setup = speculating(7, percentRight);
        setup.enableBlockReuse = false;
        auto const with = blocksByLength(setup);
        setup.maxDraftLen = 0;
        auto const without = blocksByLength(setup);
        CHECK(with.size() < without.size() || percentRight == 0);
        for (auto const& [length, blocks] : with)
        {
            CHECK_EQ(blocks, without.at(length));
        }
    }
}

TEST("what a speculating request leaves in the cache is what its tokens say")
{
    for (bool const inSlots : {false, true})
    {
        auto setup = speculating(5, 60);
        setup.inSlots = inSlots;
        Harness harness(setup);
        CHECK(harness.admit(1, count(6), 20));
        harness.runToEnd();
        auto prompt = count(6);
        auto const answer = expectedAnswer(prompt, 20);
        prompt.insert(prompt.end(), answer.begin(), answer.end());
        prompt.push_back(1);
        auto const before = harness.observations->computedTokens.load();
        CHECK(harness.admit(2, prompt, 1));
        harness.runToEnd();
        CHECK_EQ(harness.observations->computedTokens.load() - before, 2u); // the last of the answer, and the new one
        CHECK(harness.answers[2].tokens == expectedAnswer(prompt, 1));
    }
}

TEST("stop words, the end token and maxTokens end an answer inside a draft as they do without one")
{
    auto const whole = expectedAnswer(count(5), 20);
    std::vector<std::function<void(Request&)>> const endings{
        [&](Request& request) { request.setStopWords({{whole[6], whole[7]}}); },
        [&](Request& request) { request.setEndId(whole[9]); },
        [](Request&) {},
    };
    for (auto const& ending : endings)
    {
        std::vector<VecTokens> answers;
        std::vector<FinishReason> reasons;
        for (SizeType32 const maxDraftLen : {0, 8})
        {
            Harness harness(speculating(maxDraftLen, 100));
            Request request(count(5), 20, true);
            ending(request);
            CHECK(harness.admit(1, request));
            harness.runToEnd();
            answers.push_back(harness.answers[1].tokens);
            reasons.push_back(harness.answers[1].reason);
        }
        CHECK(answers[0] == answers[1]);
        CHECK(reasons[0] == reasons[1]);
    }
}

TEST("with sampling, penalties, bans and several answers every seed gives the tokens it gives without drafts")
{
    std::vector<std::function<void(SamplingConfig&)>> const configs{
        [](SamplingConfig&) {},
        [](SamplingConfig& config) { config.setTopP(0.8f); },
        [](SamplingConfig& config) { config.setTopK(5); },
        [](SamplingConfig& config) { config.setMinP(0.05f); },
        [](SamplingConfig& config) { config.setTopPDecay(0.9f); },
        [](SamplingConfig& config)
        {
            config.setRepetitionPenalty(1.3f);
            config.setPresencePenalty(0.5f);
            config.setFrequencyPenalty(0.5f);
            config.setNoRepeatNgramSize(2);
        },
        [](SamplingConfig& config) { config.setMinTokens(9); },
        [](SamplingConfig& config) { config.setNumReturnSequences(3); },
    };
    for (auto const& config : configs)
    {
        auto const make = [&](RandomSeedType seed)
        {
            auto request = sampled(seed, 12, config);
            request.setEndId(expectedAnswer(count(5), 3).back());
            return request;
        };
        auto const without = answersOf(speculating(0, 0), make, 40);
        CHECK(answersOf(speculating(4, 90), make, 40) == without);
    }
}

TEST("ten thousand draws behind a draft fit the model's own distribution")
{
    // Guesses are the likeliest tokens, which a draw mostly does not choose.
    auto const make = [](RandomSeedType seed) { return sampled(seed, 3, [](SamplingConfig&) {}); };
    auto const first = nextToken(count(5));
    auto before = count(5);
    before.push_back(first);
    VecTokens second;
    VecTokens third; // after the likeliest second
    for (auto const& [id, tokens] : answersOf(speculating(2, 100), make, 27'000))
    {
        if (tokens.at(0) == first)
        {
            second.push_back(tokens.at(1));
            if (tokens.at(1) == nextToken(before))
            {
                third.push_back(tokens.at(2));
            }
        }
    }
    CHECK(second.size() >= 10'000);
    CHECK(sampling_request::fits(second, sampling_request::softmax(logitsAfter(before))));
    before.push_back(nextToken(before));
    CHECK(third.size() >= 3'000);
    CHECK(sampling_request::fits(third, sampling_request::softmax(logitsAfter(before))));
}

TEST("log-probabilities and logits come with each token of a draft")
{
    Harness plain(speculating(0, 0));
    Harness drafting(speculating(5, 70));
    std::vector<VecLogProbs> logProbs;
    for (auto* const harness : {&plain, &drafting})
    {
        Request request(count(5), 20, true, SamplingConfig(), OutputConfig(true, false, true));
        CHECK(harness->admit(1, request));
        VecLogProbs all;
        VecTokens tokens = count(5);
        while (harness->batcher.activeRequests() > 0)
        {
            for (auto const& response : harness->responses())
            {
                auto const& result = response.getResult();
                all = result.logProbs->at(0);
                auto const shape = result.generationLogits->getShape();
                auto const* row = static_cast<float const*>(result.generationLogits->getData());
                CHECK(result.outputTokenIds[0].size() * kVocabularySize <= result.generationLogits->getSize());
                CHECK_EQ(*(shape.begin() + 2), kVocabularySize);
                for (auto const token : result.outputTokenIds[0])
                {
                    auto const expected = logitsAfter(tokens);
                    CHECK(std::equal(expected.begin(), expected.end(), row));
                    row += kVocabularySize;
                    tokens.push_back(token);
                }
            }
        }
        logProbs.push_back(all);
    }
    CHECK_EQ(logProbs[0].size(), 20u);
    CHECK(logProbs[0] == logProbs[1]);
}

TEST("a draft takes what maxNumTokens leaves, and a waiting prompt goes on beside it")
{
    auto setup = speculating(15, 100);
    setup.maxNumTokens = 16;
    Harness harness(setup);
    CHECK(harness.admit(1, count(3), 40));
    harness.step();
    harness.step(); // a draft of 3
    harness.step(); // and of 7
    CHECK(harness.admit(2, count(40, 7), 4));
    auto const both = harness.step();
    CHECK_EQ(both.numCtxTokens, 8);
    CHECK_EQ(harness.batcher.specDecodingStats()->numDraftTokens, 7);
    harness.runToEnd();
    CHECK(harness.answers[1].tokens == expectedAnswer(count(3), 40));
    CHECK(harness.answers[2].tokens == expectedAnswer(count(40, 7), 4));
    CHECK_EQ(harness.observations->largestStep.load(), 16u);
}

TEST("above maxConcurrency nothing is guessed")
{
    auto setup = speculating(4, 100);
    setup.maxConcurrency = 1;
    Harness harness(setup);
    CHECK(harness.admit(1, count(3), 30));
    CHECK(harness.admit(2, count(9, 7), 4));
    harness.step();
    harness.step();
    CHECK_EQ(harness.batcher.specDecodingStats()->numDraftTokens, 0);
    while (harness.batcher.activeRequests() > 1)
    {
        harness.step();
    }
    harness.step();
    CHECK_EQ(harness.batcher.specDecodingStats()->numDraftTokens, 3);
}

TEST("a draft never makes another request pause")
{
    auto setup = speculating(8, 100);
    setup.policy = CapacitySchedulerPolicy::kMAX_UTILIZATION;
    setup.kvBlocks = 16; // of 4 tokens
    Harness harness(setup);
    CHECK(harness.admit(1, count(8), 20));
    CHECK(harness.admit(2, count(8, 30), 24));
    while (harness.batcher.activeRequests() > 0)
    {
        CHECK_EQ(harness.step().numPausedRequests, 0);
    }
    CHECK(harness.answers[1].tokens == expectedAnswer(count(8), 20));
    CHECK(harness.answers[2].tokens == expectedAnswer(count(8, 30), 24));
}

TEST("a failing drafter ends the requests it guessed for with an error and leaves the batcher usable")
{
    Harness harness(speculating(4, 100));
    CHECK(harness.admit(1, count(5), 9));
    harness.step();
    harness.drafter.failsNext = true;
    harness.step();
    CHECK(harness.answers[1].failed);
    CHECK_EQ(harness.batcher.activeRequests(), 0);
    CHECK(harness.admit(2, count(5), 9));
    harness.runToEnd();
    CHECK(harness.answers[2].tokens == expectedAnswer(count(5), 9));
}

TEST("a draft model that fails forgets what it knew, and drafts rightly afterwards")
{
    for (bool const inSlots : {false, true})
    {
        auto setup = speculating(3, 100);
        setup.draftModel = true;
        setup.inSlots = inSlots;
        Harness harness(setup);
        CHECK(harness.admit(1, count(5), 20));
        harness.step();
        harness.draftObservations->failAfterSteps = 2;
        harness.step();
        CHECK(harness.answers[1].failed);
        CHECK(harness.admit(2, count(5), 13));
        harness.runToEnd();
        CHECK(harness.answers[2].tokens == expectedAnswer(count(5), 13));
        CHECK_EQ(harness.answers[2].metrics->speculativeDecoding.acceptanceRate, 1.f);
    }
}

TEST("guided by a grammar, with several answers, every seed gives the text it gives without drafts")
{
    GuidedDecodingParams const schema(GuidedDecodingParams::GuideType::kJSON_SCHEMA,
        R"({"type": "object", "properties": {"id": {"type": "string", "maxLength": 9}, "x": {"type": "integer"}}})");
    GuidedDecodingParams const expression(GuidedDecodingParams::GuideType::kREGEX, R"([^"T]*)");
    std::vector<std::map<std::pair<IdType, SizeType32>, VecTokens>> texts;
    for (bool const drafts : {false, true})
    {
        auto const model = std::make_shared<HashModel>(128, 4);
        if (drafts)
        {
            model->speculation = embedded::Speculation{5, 0, std::make_shared<HashModel>(128, 4)};
        }
        Executor executor(model, guided_model::executorConfig(6));
        for (RandomSeedType seed = 0; seed < 40; ++seed)
        {
            auto request = guided_model::request(seed % 2 == 0 ? schema : expression, seed, 40, 0.3f);
            auto sampling = request.getSamplingConfig();
            sampling.setNumReturnSequences(1 + static_cast<SizeType32>(seed % 3));
            request.setSamplingConfig(sampling);
            static_cast<void>(executor.enqueueRequest(request));
        }
        auto& received = texts.emplace_back();
        for (int finals = 0; finals < 40;)
        {
            for (auto const& response : executor.awaitResponses(std::chrono::seconds(10)))
            {
                CHECK(!response.hasError());
                auto const& result = response.getResult();
                auto& text = received[{response.getRequestId(), result.sequenceIndex}];
                text.insert(text.end(), result.outputTokenIds[0].begin(), result.outputTokenIds[0].end());
                finals += result.isFinal ? 1 : 0;
            }
        }
        SizeType64 accepted = 0;
        for (auto const& stats : executor.getLatestIterationStats())
        {
            CHECK_EQ(stats.specDecodingStats.has_value(), drafts);
            accepted += drafts ? stats.specDecodingStats->numAcceptedTokens : 0;
        }
        CHECK_EQ(accepted > 0, drafts);
    }
    CHECK(texts[0] == texts[1]);
}

TEST("a beam search has no draft, and finds what it finds without one")
{
    std::vector<BeamTokens> beams;
    for (SizeType32 const maxDraftLen : {0, 4})
    {
        auto setup = speculating(maxDraftLen, 100);
        setup.draftModel = true;
        Harness harness(setup);
        Request request(count(5), 10, false, SamplingConfig(3));
        CHECK(harness.admit(1, request));
        while (harness.batcher.activeRequests() > 0)
        {
            for (auto const& response : harness.responses())
            {
                beams.push_back(response.getResult().outputTokenIds);
            }
        }
    }
    CHECK_EQ(beams.size(), 2u);
    CHECK(beams[0] == beams[1]);
}

TEST("speculation on a model that cannot forget is refused")
{
    embedded::EngineLimits engine;
    engine.speculation = embedded::Speculation{4, 3};
    CHECK_EQ(embedded::resolveLimits(engine, ExecutorConfig()).maxNumTokens, 256 + 8 * 5);
    engine.keepsPrefixes = false;
    CHECK_THROWS(embedded::resolveLimits(engine, ExecutorConfig()));
}
