#include "client.h"

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace
{

using namespace synthetic;

constexpr int kSubmitters = 4;
constexpr int kRequests = 100;

} // namespace

TEST("many threads submit while one drains and another cancels, and each request ends once")
{
    Client client;
    client.ready();
    std::mutex mutex;
    std::vector<std::uint64_t> submitted;
    std::atomic<bool> refused{false};
    std::atomic<bool> done{false};

    std::vector<std::thread> threads;
    for (int thread = 0; thread < kSubmitters; ++thread)
    {
        threads.emplace_back(
            [&, thread]
            {
                for (int i = 0; i < kRequests; ++i)
                {
                    std::int32_t const prompt = i % 10 == 0 ? kANSWER_FIRST : i % 10 == 1 ? kERROR : thread * 10;
                    std::uint64_t id = 0;
                    if (trtllm_executor_submit(
                            client.handle, R"({"maxTokens": 20, "logProbs": true})", &prompt, 1, &id, nullptr)
                        != TRTLLM_OK)
                    {
                        refused = true;
                    }
                    std::lock_guard const lock(mutex);
                    submitted.push_back(id);
                }
            });
    }
    std::thread canceller(
        [&]
        {
            for (std::size_t i = 0; !done; ++i)
            {
                std::uint64_t id = 0;
                {
                    std::lock_guard const lock(mutex);
                    id = submitted.empty() ? 0 : submitted[i * 7 % submitted.size()];
                }
                trtllm_executor_cancel(client.handle, id, nullptr);
                std::this_thread::yield();
            }
        });
    std::thread observer(
        [&]
        {
            std::vector<char> text(1 << 20);
            while (!done)
            {
                std::size_t length = 0;
                std::int32_t tokens[4];
                trtllm_executor_iteration_stats(client.handle, text.data(), text.size(), &length, nullptr);
                trtllm_executor_tokenize(client.handle, "abc", 3, 0, tokens, 4, &length, nullptr);
                std::this_thread::yield();
            }
        });

    std::map<std::uint64_t, std::int32_t> counts;
    std::set<std::uint64_t> ended;
    std::string problem;
    while (ended.size() < kSubmitters * kRequests && problem.empty())
    {
        auto const record = client.next();
        auto const id = record.header.request_id;
        if (ended.count(id) > 0)
        {
            problem = "a record after the end";
        }
        for (std::size_t i = 0; i < record.tokens.size(); ++i)
        {
            ++counts[id];
            if (record.logProbs.size() != record.tokens.size() || record.logProbs[i] != -counts[id])
            {
                problem = "a token lost or out of order";
            }
        }
        if (record.header.kind != TRTLLM_RECORD_TOKENS)
        {
            ended.insert(id);
        }
    }
    for (auto& thread : threads)
    {
        thread.join();
    }
    done = true;
    canceller.join();
    observer.join();
    CHECK_EQ(problem, "");
    CHECK(!refused);
    CHECK_EQ(std::set<std::uint64_t>(submitted.begin(), submitted.end()).size(), kSubmitters * kRequests);
    CHECK(client.silent());
}

TEST("one executor is destroyed by several threads while others use it")
{
    for (int round = 0; round < 30; ++round)
    {
        Client client(round % 3 == 0 ? R"({"loadUntilStopped": true})" : "{}");
        std::atomic<int> destroyed{0};
        std::atomic<bool> unexpected{false};
        std::vector<std::thread> threads;
        for (int thread = 0; thread < 3; ++thread)
        {
            threads.emplace_back(
                [&]
                {
                    trtllm_status status = TRTLLM_OK;
                    while (status != TRTLLM_ERR_INVALID_HANDLE)
                    {
                        std::int32_t const prompt = kENDLESS;
                        std::uint64_t id = 0;
                        alignas(8) std::uint8_t buffer[4096];
                        std::size_t size = 0;
                        trtllm_executor_submit(client.handle, R"({"maxTokens": 9})", &prompt, 1, &id, nullptr);
                        trtllm_executor_cancel(client.handle, id, nullptr);
                        trtllm_executor_shutdown(client.handle, nullptr);
                        status = trtllm_executor_drain(client.handle, buffer, sizeof(buffer), &size, nullptr);
                        unexpected = unexpected || (status != TRTLLM_OK && status != TRTLLM_ERR_INVALID_HANDLE);
                    }
                });
        }
        for (int thread = 0; thread < 2; ++thread)
        {
            threads.emplace_back(
                [&] { destroyed += trtllm_executor_destroy(client.handle, nullptr) == TRTLLM_OK ? 1 : 0; });
        }
        for (auto& thread : threads)
        {
            thread.join();
        }
        CHECK_EQ(destroyed.load(), 1);
        CHECK(!unexpected);
    }
    CHECK_EQ(liveExecutors(), 0);
}
