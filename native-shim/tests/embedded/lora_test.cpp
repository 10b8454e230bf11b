#include "check.h"
#include "hash_model.h"
#include "runner/lora_weights.h"

#include <algorithm>
#include <map>
#include <string>

namespace
{

using namespace hash_model;
using namespace std::chrono_literals;

constexpr std::int64_t kAdapterBytes = 100;

PeftCacheConfig peftCache(std::size_t adapters)
{
    return PeftCacheConfig(0, 0, 8, 64, 1, 1, 1, 24, 8, std::nullopt, adapters * kAdapterBytes);
}

ExecutorConfig config(std::size_t adapters = 3)
{
    ExecutorConfig result;
    result.setMaxBatchSize(6);
    result.setMaxNumTokens(64);
    result.setPeftCacheConfig(peftCache(adapters));
    KvCacheConfig kvCache;
    kvCache.setEventBufferMaxSize(1000);
    result.setKvCacheConfig(kvCache);
    return result;
}

/// lora: 0 is none, as in hash_model.h; the task id is 10 times that.
Request request(VecTokens const& prompt, TokenIdType lora, SizeType32 maxTokens = 20)
{
    Request result(prompt, maxTokens, true);
    if (lora > 0)
    {
        result.setLoraConfig(loraConfig(static_cast<std::uint64_t>(lora) * 10, lora, kAdapterBytes));
    }
    return result;
}

Request withoutWeights(VecTokens const& prompt, std::uint64_t taskId)
{
    Request result(prompt, 20, true);
    result.setLoraConfig(LoraConfig(taskId));
    return result;
}

struct Ended
{
    VecTokens tokens;
    std::string error;
    SizeType32 reusedBlocks{0};
};

std::map<IdType, Ended> collect(Executor& executor, std::size_t ends)
{
    std::map<IdType, Ended> all;
    while (ends > 0)
    {
        for (auto const& response : executor.awaitResponses(10s))
        {
            auto& ended = all[response.getRequestId()];
            if (response.hasError())
            {
                ended.error = response.getErrorMsg();
                --ends;
                continue;
            }
            auto const& result = response.getResult();
            auto const& tokens = result.outputTokenIds[0];
            ended.tokens.insert(ended.tokens.end(), tokens.begin(), tokens.end());
            ends -= result.isFinal ? 1 : 0;
            if (result.requestPerfMetrics)
            {
                ended.reusedBlocks = result.requestPerfMetrics->kvCacheMetrics.numReusedBlocks;
            }
        }
    }
    return all;
}

Ended run(Executor& executor, Request const& one)
{
    auto const id = executor.enqueueRequest(one);
    return collect(executor, 1).at(id);
}

VecTokens const kPrompt(40, 9);

} // namespace

TEST("requests with different adapters and without one run together, each with its own model")
{
    for (bool const inSlots : {false, true})
    {
        auto const model = std::make_shared<HashModel>(512, 8, inSlots);
        Executor executor(model, config());
        std::map<IdType, TokenIdType> loras;
        for (int i = 0; i < 12; ++i)
        {
            loras[executor.enqueueRequest(request(kPrompt, i % 4))] = i % 4;
        }
        auto const all = collect(executor, loras.size());
        for (auto const& [id, lora] : loras)
        {
            CHECK(all.at(id).tokens == expectedAnswer(kPrompt, 20, -1, lora));
        }
        auto const stats = executor.getLatestIterationStats();
        CHECK(std::any_of(stats.begin(), stats.end(), [](auto const& each) { return each.numActiveRequests == 6; }));
        CHECK_EQ(model->observations->loraLoads.load(), 3);
    }
}

TEST("KV is reused within an adapter and never between two, and events tell which one it is")
{
    for (bool const inSlots : {false, true})
    {
        auto const model = std::make_shared<HashModel>(512, 8, inSlots);
        auto cached = config();
        Executor executor(model, cached);
        for (TokenIdType lora = 0; lora < 4; ++lora)
        {
            auto wanted = request(kPrompt, lora);
            OutputConfig output;
            output.returnPerfMetrics = true;
            wanted.setOutputConfig(output);
            CHECK_EQ(run(executor, wanted).reusedBlocks, 0);
            auto const second = run(executor, wanted);
            CHECK(second.reusedBlocks >= 4);
            CHECK(second.tokens == expectedAnswer(kPrompt, 20, -1, lora));
        }
        std::map<std::optional<std::uint64_t>, int> blocks;
        std::map<IdType, int> hashes;
        for (auto const& event : (*executor.getKVCacheEventManager())->getLatestEvents(0ms))
        {
            if (auto const* stored = std::get_if<KVCacheStoredData>(&event.data))
            {
                for (auto const& block : stored->blocks)
                {
                    ++blocks[block.loraId];
                    ++hashes[block.blockHash];
                }
            }
        }
        CHECK_EQ(blocks.size(), 4u);
        for (auto const id : {std::optional<std::uint64_t>(), std::optional<std::uint64_t>(10),
                 std::optional<std::uint64_t>(20), std::optional<std::uint64_t>(30)})
        {
            CHECK(blocks[id] >= 5);
        }
        CHECK(std::all_of(hashes.begin(), hashes.end(), [](auto const& each) { return each.second == 1; }));
    }
}

TEST("a task is cached with its first request, and needs no weights from then on")
{
    Executor executor(std::make_shared<HashModel>(512, 8), config());
    CHECK_EQ(run(executor, withoutWeights({1}, 10)).error,
        "LoRA task 10 not found in cache. Please send LoRA weights with request");
    run(executor, request({1}, 1));
    CHECK(run(executor, withoutWeights(kPrompt, 10)).tokens == expectedAnswer(kPrompt, 20, -1, 1));
}

TEST("a full cache loses the adapter that was not used for the longest time")
{
    auto const model = std::make_shared<HashModel>(512, 8);
    Executor executor(model, config(2));
    run(executor, request({1}, 1));
    run(executor, request({1}, 2));
    run(executor, withoutWeights({1}, 10));
    run(executor, request({1}, 3));
    CHECK_EQ(model->observations->lorasLoaded.load(), 2);
    CHECK_EQ(run(executor, withoutWeights({1}, 10)).error, "");
    CHECK_EQ(run(executor, withoutWeights({1}, 30)).error, "");
    CHECK(!run(executor, withoutWeights({1}, 20)).error.empty());
}

TEST("a request waits while the cache is full of adapters in use, and others with those go on")
{
    auto const model = std::make_shared<HashModel>(512, 8);
    Executor executor(model, config(1));
    std::map<IdType, TokenIdType> loras;
    for (int i = 0; i < 9; ++i)
    {
        loras[executor.enqueueRequest(request(kPrompt, i % 3))] = i % 3;
    }
    auto const all = collect(executor, loras.size());
    for (auto const& [id, lora] : loras)
    {
        CHECK(all.at(id).tokens == expectedAnswer(kPrompt, 20, -1, lora));
    }
    CHECK(model->observations->lorasLoaded <= 1);
}

TEST("adapters that cannot be loaded fail their request alone")
{
    Executor executor(std::make_shared<HashModel>(512, 8), config());
    auto const well = executor.enqueueRequest(request(kPrompt, 1));
    auto broken = request({1}, 0);
    broken.setLoraConfig(loraConfig(5, 9, kAdapterBytes));
    auto large = request({1}, 0);
    large.setLoraConfig(loraConfig(6, 1, 4 * kAdapterBytes));
    auto const brokenId = executor.enqueueRequest(broken);
    auto const largeId = executor.enqueueRequest(large);
    auto const all = collect(executor, 3);
    CHECK_EQ(all.at(brokenId).error, "this adapter is broken");
    CHECK(all.at(largeId).error.find("PEFT Cache is full") != std::string::npos);
    CHECK(all.at(well).tokens == expectedAnswer(kPrompt, 20, -1, 1));
}

TEST("several sequences of a request share its adapter")
{
    Executor executor(std::make_shared<HashModel>(512, 8, true), config());
    auto several = request(kPrompt, 2);
    SamplingConfig sampling;
    sampling.setNumReturnSequences(3);
    several.setSamplingConfig(sampling);
    static_cast<void>(executor.enqueueRequest(several));
    std::map<SizeType32, VecTokens> answers;
    for (bool final = false; !final;)
    {
        for (auto const& response : executor.awaitResponses(10s))
        {
            auto const& result = response.getResult();
            auto& answer = answers[result.sequenceIndex];
            answer.insert(answer.end(), result.outputTokenIds[0].begin(), result.outputTokenIds[0].end());
            final = final || result.isFinal;
        }
    }
    CHECK_EQ(answers.size(), 3u);
    CHECK(std::all_of(answers.begin(), answers.end(),
        [](auto const& each) { return each.second == expectedAnswer(kPrompt, 20, -1, 2); }));
}

TEST("what the cache of adapters does not know is refused")
{
    auto refused = config();
    refused.setPeftCacheConfig(PeftCacheConfig(5));
    try
    {
        Executor executor(std::make_shared<HashModel>(512, 8), refused);
        CHECK(!"refused");
    }
    catch (std::invalid_argument const& error)
    {
        CHECK(std::string(error.what()).find("maxAdapterSize and hostCacheSize only") != std::string::npos);
    }
}

TEST("weights are cut into the matrices of the model, and what does not fit is told")
{
    using namespace embedded;
    LoraShapes const shapes{{{3, LoraModule::kATTN_Q}, {2, 4}}};
    auto const lora = [](std::vector<std::int32_t> const& row, std::int64_t width)
    {
        auto config = Tensor::cpu(DataType::kINT32, {1, static_cast<std::int64_t>(row.size())});
        std::copy(row.begin(), row.end(), static_cast<std::int32_t*>(config.getData()));
        auto weights = Tensor::cpu(DataType::kFP32, {1, width});
        for (std::int64_t i = 0; i < width; ++i)
        {
            static_cast<float*>(weights.getData())[i] = static_cast<float>(i);
        }
        return LoraConfig(1, weights, config);
    };
    auto const given = lora({1, 3, 2}, 13);
    auto const cut = loraWeights(given, shapes, 8);
    CHECK_EQ(cut.size(), 1u);
    CHECK_EQ(cut[0].rank, 2);
    CHECK_EQ(cut[0].in[0], 0.f);
    CHECK_EQ(cut[0].out[0], 4.f);
    auto const refusal = [&](LoraConfig const& config)
    {
        try
        {
            static_cast<void>(loraWeights(config, shapes, 8));
        }
        catch (std::invalid_argument const& error)
        {
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK(refusal(lora({1, 3, 2}, 11)).find("takes 12") != std::string::npos);
    CHECK(refusal(lora({1, 2, 2}, 12)).find("does not have") != std::string::npos);
    CHECK(refusal(lora({1, 3, 9}, 60)).find("must be 1 to 8") != std::string::npos);
    CHECK(refusal(lora({1, 3, 2, 1}, 16)).find("DoRA") != std::string::npos);
    CHECK_EQ(refusal(lora({1, 3, 2, 0}, 12)), "");
    CHECK(refusal(lora({1, 3}, 12)).find("columns") != std::string::npos);
}
