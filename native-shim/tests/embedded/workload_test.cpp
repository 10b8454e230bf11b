// Longer runs of the whole embedded executor: many chats, and many short requests.
#include "check.h"
#include "hash_model.h"
#include "memory_usage.h"

#include <map>
#include <random>
#include <set>

namespace
{

using namespace hash_model;
using namespace std::chrono_literals;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true; // keeps freed memory back, and is slow
#else
constexpr bool kSanitized = false;
#endif

ExecutorConfig config(SizeType32 maxTokens)
{
    ExecutorConfig result;
    result.setMaxBatchSize(8);
    result.setMaxNumTokens(64);
    result.setKvCacheConfig(KvCacheConfig(true, maxTokens));
    return result;
}

} // namespace

TEST("sixteen chats of ten turns, eight at once, find nine tenths of their prompts in the cache")
{
    for (bool const inSlots : {false, true})
    {
        auto const model = std::make_shared<HashModel>(512, 8, inSlots);
        Executor executor(model, config(16 * 512));
        VecTokens const system(64, 5);
        std::map<TokenIdType, VecTokens> chats;
        std::size_t promptTokens = 0;
        for (int turn = 0; turn < 10; ++turn)
        {
            std::map<IdType, TokenIdType> chatOf;
            for (TokenIdType chat = 0; chat < 16; ++chat)
            {
                auto& history = chats[chat];
                history = history.empty() ? system : history;
                history.insert(history.end(), {chat, static_cast<TokenIdType>(turn), 1, 2, 3, 4, 6, 7});
                promptTokens += history.size();
                chatOf[executor.enqueueRequest(Request(history, 24, true))] = chat;
            }
            while (!chatOf.empty())
            {
                for (auto const& response : executor.awaitResponses(10s))
                {
                    auto const& result = response.getResult();
                    auto& history = chats[chatOf.at(response.getRequestId())];
                    history.insert(
                        history.end(), result.outputTokenIds[0].begin(), result.outputTokenIds[0].end());
                    if (result.isFinal)
                    {
                        chatOf.erase(response.getRequestId());
                    }
                }
            }
        }
        auto const answered = 16u * 10u * 23u; // the last token of an answer is never computed
        auto const computed = model->observations->computedTokens.load() - answered;
        CHECK(static_cast<double>(computed) <= 0.1 * static_cast<double>(promptTokens));
        for (auto const& [chat, history] : chats)
        {
            VecTokens const beginning(history.begin(), history.end() - 24);
            CHECK(VecTokens(history.end() - 24, history.end()) == expectedAnswer(beginning, 24));
        }
    }
}

TEST("ten thousand requests of any length, some cancelled, each end once and leave nothing behind")
{
    auto const model = std::make_shared<HashModel>(256, 8, true);
    auto const draft = std::make_shared<HashModel>(256, 8, true);
    draft->observations->percentRight = 70;
    model->speculation = embedded::Speculation{4, 0, draft};
    auto limited = config(2048);
    auto kvCache = limited.getKvCacheConfig();
    kvCache.setHostCacheSize(1024);
    kvCache.setEventBufferMaxSize(100);
    limited.setKvCacheConfig(kvCache);
    limited.setSchedulerConfig(SchedulerConfig(CapacitySchedulerPolicy::kMAX_UTILIZATION));
    limited.setRequestStatsMaxIterations(10);
    limited.setPeftCacheConfig(PeftCacheConfig(0, 0, 8, 64, 1, 1, 1, 24, 8, std::nullopt, 8)); // two adapters
    Executor executor(model, limited);

    std::mt19937 random(7);
    auto const pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
    int const requests = kSanitized ? 1000 : 10'000;
    std::set<IdType> running;
    std::size_t warm = 0;
    int sent = 0;
    int ended = 0;
    while (ended < requests)
    {
        while (sent < requests && running.size() < 24)
        {
            VecTokens prompt(static_cast<std::size_t>(pick(0, 40)), static_cast<TokenIdType>(pick(0, 2)));
            for (int i = pick(1, 20); i > 0; --i)
            {
                prompt.push_back(pick(0, kVocabularySize - 1));
            }
            Request request(prompt, pick(1, 40), true);
            if (auto const lora = pick(0, 3); lora > 0)
            {
                request.setLoraConfig(loraConfig(static_cast<std::uint64_t>(lora), lora, 4));
            }
            request.setPriority(static_cast<float>(pick(0, 10)) / 10.f);
            running.insert(executor.enqueueRequest(request));
            ++sent;
        }
        if (pick(0, 3) == 0)
        {
            executor.cancelRequest(*std::next(running.begin(), pick(0, static_cast<int>(running.size()) - 1)));
        }
        for (auto const& response : executor.awaitResponses(10s))
        {
            CHECK(!response.hasError());
            if (response.getResult().isFinal)
            {
                CHECK_EQ(running.erase(response.getRequestId()), 1u);
                warm = ++ended == requests / 2 ? embedded::residentBytes() : warm;
            }
        }
    }
    CHECK(running.empty());
    CHECK(executor.awaitResponses(1ms).empty());
    CHECK_EQ(executor.getLatestIterationStats().back().kvCacheStats->usedNumBlocks, 0);
    CHECK(kSanitized || embedded::residentBytes() < warm + (8u << 20));
}
