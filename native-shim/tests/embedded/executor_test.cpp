#include "check.h"
#include "hash_model.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace
{

using namespace hash_model;
using namespace std::chrono_literals;

ExecutorConfig config(SizeType32 maxBatchSize = 4)
{
    ExecutorConfig result;
    result.setMaxBatchSize(maxBatchSize);
    result.setMaxNumTokens(32);
    return result;
}

std::shared_ptr<HashModel> model()
{
    return std::make_shared<HashModel>(512, 8);
}

Request streaming(VecTokens const& prompt, SizeType32 maxTokens)
{
    return {prompt, maxTokens, true};
}

struct Collected
{
    std::map<IdType, VecTokens> tokens;
    std::map<IdType, FinishReason> finals;
    std::map<IdType, std::string> errors;
};

/// Reads until so many requests have ended.
Collected collect(Executor& executor, std::size_t ends)
{
    Collected collected;
    while (collected.finals.size() + collected.errors.size() < ends)
    {
        for (auto const& response : executor.awaitResponses(10s))
        {
            auto const id = response.getRequestId();
            if (response.hasError())
            {
                collected.errors[id] = response.getErrorMsg();
                continue;
            }
            auto const& result = response.getResult();
            auto& tokens = collected.tokens[id];
            tokens.insert(tokens.end(), result.outputTokenIds[0].begin(), result.outputTokenIds[0].end());
            if (result.isFinal)
            {
                CHECK_EQ(collected.finals.count(id), 0u);
                collected.finals[id] = result.finishReasons[0];
            }
        }
    }
    return collected;
}

} // namespace

TEST("request ids count from 1")
{
    Executor executor(model(), config());
    CHECK_EQ(executor.enqueueRequest(streaming({1}, 1)), 1u);
    CHECK_EQ(executor.enqueueRequest(streaming({2}, 1)), 2u);
    collect(executor, 2);
}

TEST("many requests from many threads each get their own answer")
{
    Executor executor(model(), config());
    constexpr int kThreads = 4;
    constexpr int kEach = 25;
    std::mutex mutex; // TensorRT-LLM's enqueueRequest takes one caller at a time
    std::map<IdType, VecTokens> prompts;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
    {
        threads.emplace_back(
            [&, t]
            {
                for (int i = 0; i < kEach; ++i)
                {
                    VecTokens const prompt{t, i, t + i};
                    std::lock_guard lock(mutex);
                    prompts[executor.enqueueRequest(streaming(prompt, 1 + i))] = prompt;
                }
            });
    }
    auto const collected = collect(executor, kThreads * kEach);
    for (auto& thread : threads)
    {
        thread.join();
    }
    for (auto const& [id, prompt] : prompts)
    {
        CHECK(collected.tokens.at(id) == expectedAnswer(prompt, 1 + prompt[1]));
    }
}

TEST("without streaming the one response holds prompt and answer")
{
    Executor executor(model(), config());
    (void) executor.enqueueRequest(Request({5, 6}, 3));
    auto const collected = collect(executor, 1);
    VecTokens expected{5, 6};
    auto const answer = expectedAnswer({5, 6}, 3);
    expected.insert(expected.end(), answer.begin(), answer.end());
    CHECK(collected.tokens.at(1) == expected);
}

TEST("a cancelled request ends as cancelled, waiting or running")
{
    Executor executor(model(), config(1));
    auto const running = executor.enqueueRequest(streaming({1}, 500));
    auto const waiting = executor.enqueueRequest(streaming({2}, 500));
    executor.cancelRequest(waiting);
    executor.cancelRequest(running);
    executor.cancelRequest(99);
    auto const collected = collect(executor, 2);
    CHECK(collected.finals.at(waiting) == FinishReason::kCANCELLED);
    CHECK(collected.finals.at(running) == FinishReason::kCANCELLED || collected.finals.at(running) == FinishReason::kLENGTH);
}

TEST("the highest priority goes first")
{
    Executor executor(model(), config(1));
    (void) executor.enqueueRequest(streaming({1}, 400));
    auto low = streaming({2}, 1);
    auto high = streaming({3}, 1);
    low.setPriority(0.1f);
    high.setPriority(0.9f);
    auto const lowId = executor.enqueueRequest(low);
    auto const highId = executor.enqueueRequest(high);
    std::vector<IdType> order;
    while (order.size() < 3)
    {
        for (auto const& response : executor.awaitResponses(10s))
        {
            if (response.getResult().isFinal)
            {
                order.push_back(response.getRequestId());
            }
        }
    }
    CHECK(std::find(order.begin(), order.end(), highId) < std::find(order.begin(), order.end(), lowId));
}

TEST("a full queue refuses with TensorRT-LLM's words")
{
    auto limited = config(1);
    limited.setMaxQueueSize(2);
    Executor executor(model(), limited);
    std::string message;
    std::size_t accepted = 0;
    for (int i = 0; i < 100 && message.empty(); ++i)
    {
        try
        {
            (void) executor.enqueueRequest(streaming({i}, 500));
            ++accepted;
        }
        catch (std::exception const& error)
        {
            message = error.what();
        }
    }
    CHECK(message.find("Maximum queue size of 2 has been reached") != std::string::npos);
    for (IdType id = 1; id <= accepted; ++id)
    {
        executor.cancelRequest(id);
    }
    collect(executor, accepted);
}

TEST("a request that can never fit gets an error and does not hold up others")
{
    Executor executor(model(), config());
    auto const huge = executor.enqueueRequest(streaming({1}, 100000));
    auto const small = executor.enqueueRequest(streaming({2}, 2));
    auto const collected = collect(executor, 2);
    CHECK(collected.errors.at(huge).find("512") != std::string::npos);
    CHECK(collected.tokens.at(small) == expectedAnswer({2}, 2));
}

TEST("stop words end the answer and are its last tokens")
{
    auto const whole = expectedAnswer({7}, 20);
    Executor executor(model(), config());
    auto request = streaming({7}, 20);
    request.setStopWords({{whole[3], whole[4]}});
    (void) executor.enqueueRequest(request);
    auto const collected = collect(executor, 1);
    CHECK(collected.finals.at(1) == FinishReason::kSTOP_WORDS);
    CHECK(collected.tokens.at(1).size() <= 5);
    CHECK_EQ(collected.tokens.at(1).back(), whole[4]);
}

TEST("statistics name the blocks in use and are drained by reading")
{
    Executor executor(model(), config());
    (void) executor.enqueueRequest(streaming({1, 2, 3, 4, 5, 6, 7, 8, 9}, 4));
    collect(executor, 1);
    auto const stats = executor.getLatestIterationStats();
    CHECK(!stats.empty());
    CHECK_EQ(stats.front().kvCacheStats->usedNumBlocks, 2);
    CHECK_EQ(stats.back().kvCacheStats->usedNumBlocks, 0);
    CHECK_EQ(stats.back().numCompletedRequests, 1);
    CHECK(executor.getLatestIterationStats().empty());
}

TEST("shutdown lets running requests end, refuses new ones and can be called twice")
{
    Executor executor(model(), config());
    (void) executor.enqueueRequest(streaming({1}, 50));
    executor.shutdown();
    executor.shutdown();
    CHECK_THROWS(executor.enqueueRequest(streaming({1}, 1)));
    CHECK(collect(executor, 1).tokens.at(1) == expectedAnswer({1}, 50));
    CHECK(executor.awaitResponses(1ms).empty());
}

TEST("several answers to one prompt come with their index, one is the last of the request, and the prompt is computed once")
{
    auto const hash = model();
    Executor executor(hash, config());
    SamplingConfig sampling;
    sampling.setNumReturnSequences(3);
    Request request({1, 2, 3, 4, 5, 6, 7, 8, 9}, 5, true, sampling);
    (void) executor.enqueueRequest(request);
    std::map<SizeType32, VecTokens> answers;
    int sequenceFinals = 0;
    for (bool last = false; !last;)
    {
        for (auto const& response : executor.awaitResponses(10s))
        {
            auto const& result = response.getResult();
            CHECK(!last);
            auto& tokens = answers[result.sequenceIndex];
            tokens.insert(tokens.end(), result.outputTokenIds[0].begin(), result.outputTokenIds[0].end());
            sequenceFinals += result.isSequenceFinal ? 1 : 0;
            last = result.isFinal;
        }
    }
    CHECK_EQ(sequenceFinals, 3);
    for (SizeType32 index = 0; index < 3; ++index)
    {
        CHECK(answers.at(index) == expectedAnswer(request.getInputTokenIds(), 5));
    }
    CHECK_EQ(hash->observations->computedTokens.load(), 9u + 3 * 4);
    sampling.setNumReturnSequences(5); // more than maxBatchSize
    (void) executor.enqueueRequest(Request({1}, 5, true, sampling));
    CHECK_EQ(collect(executor, 1).errors.size(), 1u);
}

TEST("under MAX_UTILIZATION requests that outgrow the pool are paused and get their whole answers")
{
    auto const hash = model();
    auto small = config();
    small.setSchedulerConfig(SchedulerConfig(CapacitySchedulerPolicy::kMAX_UTILIZATION));
    small.setKvCacheConfig(KvCacheConfig(true, 80)); // of 8 tokens a block
    Executor executor(hash, small);
    std::map<IdType, VecTokens> prompts;
    for (TokenIdType first = 0; first < 4; ++first)
    {
        VecTokens const prompt{first, 7, 7, 7};
        prompts[executor.enqueueRequest(streaming(prompt, 60))] = prompt;
    }
    auto const collected = collect(executor, 4);
    SizeType32 paused = 0;
    for (auto const& stats : executor.getLatestIterationStats())
    {
        paused += stats.inflightBatchingStats->numPausedRequests;
    }
    CHECK(paused > 0);
    for (auto const& [id, prompt] : prompts)
    {
        CHECK(collected.tokens.at(id) == expectedAnswer(prompt, 60));
    }
}

TEST("under STATIC_BATCH nobody joins a batch that runs")
{
    auto fixed = config();
    fixed.setSchedulerConfig(SchedulerConfig(CapacitySchedulerPolicy::kSTATIC_BATCH));
    Executor executor(model(), fixed);
    for (TokenIdType token = 0; token < 10; ++token)
    {
        (void) executor.enqueueRequest(streaming({token}, 10));
    }
    collect(executor, 10);
    SizeType32 before = 0;
    for (auto const& stats : executor.getLatestIterationStats())
    {
        CHECK(stats.numNewActiveRequests == 0 || before == 0);
        before = stats.numActiveRequests - stats.numCompletedRequests;
    }
}

TEST("an empty prompt and maxTokens below 1 are refused")
{
    CHECK_THROWS(Request({}, 1));
    CHECK_THROWS(Request({1}, 0));
    CHECK_THROWS(Request({1}, -1));
}

TEST("context and generation logits are those of every token, also where the prompt is in the cache")
{
    auto configuration = config();
    configuration.setGatherGenerationLogits(true);
    Executor executor(model(), configuration);
    VecTokens const prompt{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    (void) executor.enqueueRequest(streaming(prompt, 2)); // fills the cache
    collect(executor, 1);

    auto const best = [](float const* row)
    { return static_cast<TokenIdType>(std::max_element(row, row + kVocabularySize) - row); };
    for (bool const streams : {true, false})
    {
        Request request(prompt, 4, streams, SamplingConfig(), OutputConfig(false, true, true));
        (void) executor.enqueueRequest(request);
        std::vector<TokenIdType> generated;
        SizeType32 contextLogits = 0;
        for (bool ended = false; !ended;)
        {
            for (auto const& response : executor.awaitResponses(10s))
            {
                auto const& result = response.getResult();
                ended = result.isFinal;
                if (result.contextLogits)
                {
                    ++contextLogits;
                    auto const* const rows = static_cast<float const*>(result.contextLogits->getData());
                    CHECK_EQ(result.contextLogits->getShape()[0], static_cast<std::int64_t>(prompt.size()));
                    for (std::size_t i = 0; i < prompt.size(); ++i)
                    {
                        VecTokens const before(prompt.begin(), prompt.begin() + static_cast<std::ptrdiff_t>(i + 1));
                        CHECK_EQ(best(rows + i * kVocabularySize), nextToken(before));
                    }
                }
                if (result.generationLogits)
                {
                    auto const rows = result.generationLogits->getShape()[1];
                    for (std::int64_t i = 0; i < rows; ++i)
                    {
                        generated.push_back(
                            best(static_cast<float const*>(result.generationLogits->getData()) + i * kVocabularySize));
                    }
                }
            }
        }
        CHECK_EQ(contextLogits, 1);
        CHECK(generated == expectedAnswer(prompt, 4));
    }
}

TEST("generation logits are refused where the executor was not made for them")
{
    Executor executor(model(), config());
    (void) executor.enqueueRequest(Request({1}, 1, true, SamplingConfig(), OutputConfig(false, false, true)));
    CHECK(collect(executor, 1).errors.at(1).find("gatherGenerationLogits") != std::string::npos);
}
