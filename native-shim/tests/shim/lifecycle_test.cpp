#include "client.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

namespace
{

using namespace synthetic;

} // namespace

TEST("a load reports progress, then that it is ready")
{
    Client client(R"({"progress": [0, 0.004, 0.5, 0.505, 0.52, 0.5, 0.999, 1]})");
    std::vector<float> progress;
    for (auto record = client.next(); record.header.kind != TRTLLM_RECORD_READY; record = client.next())
    {
        CHECK_EQ(record.header.kind, TRTLLM_RECORD_LOAD_PROGRESS);
        CHECK_EQ(record.header.request_id, 0);
        CHECK(record.header.time_ns > 0);
        progress.push_back(record.progress);
    }
    CHECK(progress == std::vector<float>({0.0f, 0.5f, 0.52f, 0.999f, 1.0f}));
}

TEST("the ready record describes the engine and its vocabulary")
{
    Client client;
    auto const json = nlohmann::json::parse(client.next({TRTLLM_RECORD_READY}).text);
    CHECK(json["engine"]
        == nlohmann::json({{"path", "/"}, {"format", "gguf"}, {"name", "script"}, {"architecture", "synthetic"}, {"device", "none"},
            {"parameterCount", 135'000'000'000}, {"weightBytes", 98'000'000}, {"vocabularySize", 1000},
            {"maxSequenceTokens", 256}, {"maxBatchSize", 4}, {"maxBeamWidth", 1}, {"maxNumTokens", 64}, {"maxQueueSize", 1'000'000},
            {"tokensPerBlock", 16}, {"kvBlocks", 100}, {"kvBytesPerToken", 23'040}}));
    CHECK(json["vocabulary"]
        == nlohmann::json({{"size", 1000}, {"bosId", 256}, {"eosId", nullptr}, {"endIds", {257}}, {"addBos", true},
            {"chatTemplate", "{{ messages }}"}}));
}

TEST("an engine without vocabulary says null")
{
    Client client(R"({"vocabulary": false})");
    CHECK(nlohmann::json::parse(client.next({TRTLLM_RECORD_READY}).text)["vocabulary"].is_null());
}

TEST("names that are not UTF-8 still make a valid ready record")
{
    Client client(R"({"brokenNames": true})");
    auto const json = nlohmann::json::parse(client.next({TRTLLM_RECORD_READY}).text);
    CHECK_EQ(json["engine"]["name"].get<std::string>(), "bro\xef\xbf\xbdken");
}

TEST("a missing engine fails the load with its path, then the executor has stopped")
{
    std::uint64_t handle = 0;
    int wakeFd = -1;
    CHECK_EQ(trtllm_executor_create(R"({"engine": "/no/such/engine"})", &handle, &wakeFd, nullptr), TRTLLM_OK);
    CHECK(wait(wakeFd));
    std::deque<Record> records;
    while (records.size() < 2)
    {
        alignas(8) std::uint8_t buffer[4096];
        std::size_t written = 0;
        CHECK_EQ(trtllm_executor_drain(handle, buffer, sizeof(buffer), &written, nullptr), TRTLLM_OK);
        for (auto& record : decode(buffer, written))
        {
            records.push_back(record);
        }
        std::this_thread::yield();
    }
    CHECK_EQ(records[0].header.kind, TRTLLM_RECORD_LOAD_FAILED);
    CHECK_EQ(records[0].status, TRTLLM_ERR_ENGINE_NOT_FOUND);
    CHECK(records[0].text.find("/no/such/engine") != std::string::npos);
    CHECK_EQ(records[1].header.kind, TRTLLM_RECORD_STOPPED);
    CHECK_EQ(trtllm_executor_destroy(handle, nullptr), TRTLLM_OK);
    close(wakeFd);
}

TEST("a load that throws fails with the executor's own message")
{
    Client client(R"({"loadError": "the engine is upside down"})");
    auto const failed = client.next({TRTLLM_RECORD_LOAD_FAILED});
    CHECK_EQ(failed.status, TRTLLM_ERR_EXECUTOR);
    CHECK_EQ(failed.text, "the engine is upside down");
    CHECK_EQ(client.next().header.kind, TRTLLM_RECORD_STOPPED);
    CHECK(client.silent());
    auto const error = client.refusal({1});
    CHECK_EQ(error.code, TRTLLM_ERR_NOT_READY);
    CHECK(std::string(error.message).find("upside down") != std::string::npos);
}

TEST("a load that throws something that is no exception fails all the same")
{
    Client client(R"({"oddError": true})");
    CHECK_EQ(client.next({TRTLLM_RECORD_LOAD_FAILED}).status, TRTLLM_ERR_EXECUTOR);
    client.next({TRTLLM_RECORD_STOPPED});
}

TEST("signal handlers that an executor replaces while it loads are put back, whether the load succeeds or not")
{
    auto const before = std::signal(SIGABRT, [](int) {});
    auto const handler = [](int signal)
    {
        struct sigaction action{};
        sigaction(signal, nullptr, &action);
        return action.sa_handler;
    };
    auto const own = handler(SIGABRT);
    auto const segmentation = handler(SIGSEGV);
    for (std::string const load : {R"({"replacesHandlers": true})", R"({"replacesHandlers": true, "loadError": "no"})"})
    {
        Client first(load);
        Client second(load);
        for (auto* const client : {&first, &second})
        {
            client->next({TRTLLM_RECORD_READY, TRTLLM_RECORD_LOAD_FAILED});
        }
        first.shutdown();
        second.shutdown();
        first.next({TRTLLM_RECORD_STOPPED});
        second.next({TRTLLM_RECORD_STOPPED});
        CHECK(handler(SIGABRT) == own);
        CHECK(handler(SIGSEGV) == segmentation);
    }
    std::signal(SIGABRT, before);
}

TEST("a load that runs out of memory says so")
{
    Client client(R"({"noMemory": true})");
    CHECK_EQ(client.next({TRTLLM_RECORD_LOAD_FAILED}).status, TRTLLM_ERR_OUT_OF_MEMORY);
}

TEST("a shutdown ends a load")
{
    Client client(R"({"loadUntilStopped": true})");
    CHECK_EQ(client.next().header.kind, TRTLLM_RECORD_LOAD_PROGRESS);
    CHECK_EQ(client.refusal({1}).code, TRTLLM_ERR_NOT_READY);
    client.shutdown();
    CHECK_EQ(client.refusal({1}).code, TRTLLM_ERR_STOPPED);
    CHECK_EQ(client.next({TRTLLM_RECORD_LOAD_FAILED}).status, TRTLLM_ERR_ABORTED);
    CHECK_EQ(client.next().header.kind, TRTLLM_RECORD_STOPPED);
}

TEST("an engine that loads in spite of a shutdown is freed again")
{
    Client client(R"({"loadUntilStopped": true, "ignoresStop": true})");
    CHECK_EQ(client.next().header.kind, TRTLLM_RECORD_LOAD_PROGRESS);
    client.shutdown();
    CHECK_EQ(client.next({TRTLLM_RECORD_LOAD_FAILED}).status, TRTLLM_ERR_ABORTED);
    CHECK_EQ(client.next().header.kind, TRTLLM_RECORD_STOPPED);
    CHECK_EQ(liveExecutors(), 0);
}

TEST("destroying an executor ends its load")
{
    for (int i = 0; i < 20; ++i)
    {
        Client client(R"({"loadUntilStopped": true})");
    }
    CHECK_EQ(liveExecutors(), 0);
}

TEST("an idle executor stops at once, and is freed before its last record")
{
    Client client;
    client.ready();
    auto const start = std::chrono::steady_clock::now();
    client.shutdown();
    client.shutdown();
    CHECK_EQ(client.next().header.kind, TRTLLM_RECORD_STOPPED);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(1));
    CHECK_EQ(liveExecutors(), 0);
    CHECK(client.silent());
    client.shutdown();
    CHECK_EQ(client.refusal({1}).code, TRTLLM_ERR_STOPPED);
    CHECK_EQ(trtllm_executor_cancel(client.handle, 1, nullptr), TRTLLM_OK);
}

TEST("a destroyed executor is an invalid handle everywhere")
{
    Client client;
    client.ready();
    auto const handle = client.handle;
    CHECK_EQ(trtllm_executor_destroy(handle, nullptr), TRTLLM_OK);
    CHECK_EQ(liveExecutors(), 0);

    std::uint64_t id = 0;
    std::size_t size = 0;
    std::int32_t token = 1;
    char text[8];
    alignas(8) std::uint8_t bytes[64];
    trtllm_error error{};
    CHECK_EQ(trtllm_executor_destroy(handle, &error), TRTLLM_ERR_INVALID_HANDLE);
    CHECK_EQ(error.code, TRTLLM_ERR_INVALID_HANDLE);
    CHECK(std::string(error.message).find(std::to_string(handle)) != std::string::npos);
    CHECK_EQ(trtllm_executor_submit(handle, "{}", &token, 1, &id, nullptr), TRTLLM_ERR_INVALID_HANDLE);
    CHECK_EQ(trtllm_executor_cancel(handle, 1, nullptr), TRTLLM_ERR_INVALID_HANDLE);
    CHECK_EQ(trtllm_executor_drain(handle, bytes, sizeof(bytes), &size, nullptr), TRTLLM_ERR_INVALID_HANDLE);
    CHECK_EQ(trtllm_executor_iteration_stats(handle, text, 8, &size, nullptr), TRTLLM_ERR_INVALID_HANDLE);
    CHECK_EQ(trtllm_executor_shutdown(handle, nullptr), TRTLLM_ERR_INVALID_HANDLE);
    CHECK_EQ(trtllm_executor_tokenize(handle, "a", 1, 0, &token, 1, &size, nullptr), TRTLLM_ERR_INVALID_HANDLE);
    CHECK_EQ(trtllm_executor_token_pieces(handle, bytes, sizeof(bytes), &size, nullptr), TRTLLM_ERR_INVALID_HANDLE);
    CHECK_EQ(trtllm_executor_cancel(0, 1, nullptr), TRTLLM_ERR_INVALID_HANDLE);
}

TEST("handles are not used twice")
{
    std::uint64_t first = 0;
    {
        Client client;
        first = client.handle;
    }
    Client client;
    CHECK(client.handle > first);
}

TEST("the pipe is non-blocking, closed in child processes, and ends when the executor is destroyed")
{
    Client client;
    client.ready();
    CHECK((fcntl(client.wakeFd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((fcntl(client.wakeFd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK_EQ(trtllm_executor_destroy(client.handle, nullptr), TRTLLM_OK);
    char byte = 0;
    ssize_t got = 0;
    while ((got = read(client.wakeFd, &byte, 1)) == 1)
    {
    }
    CHECK_EQ(got, 0); // the end of the stream, not EAGAIN
}

TEST("a caller that closes its end early abandons the executor, which stops and is freed, at work and idle")
{
    for (bool const busy : {true, false})
    {
        Client client(R"({"stepDelayMs": 1})");
        client.ready();
        if (busy)
        {
            client.submit({kENDLESS});
        }
        close(std::exchange(client.wakeFd, -1));
        while (liveExecutors() > 0)
        {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        CHECK_EQ(client.refusal({1}).code, TRTLLM_ERR_STOPPED);
    }
}

TEST("a caller that closes its end early is not killed by SIGPIPE")
{
    Client client(R"({"stepDelayMs": 1})");
    client.ready();
    close(client.wakeFd);
    auto const id = client.submit({7});
    std::vector<std::int32_t> tokens;
    while (tokens.size() < 3)
    {
        alignas(8) std::uint8_t buffer[4096];
        std::size_t written = 0;
        CHECK_EQ(trtllm_executor_drain(client.handle, buffer, sizeof(buffer), &written, nullptr), TRTLLM_OK);
        for (auto const& record : decode(buffer, written))
        {
            CHECK_EQ(record.header.request_id, id);
            tokens.insert(tokens.end(), record.tokens.begin(), record.tokens.end());
        }
        std::this_thread::yield();
    }
    client.wakeFd = -1;
}

TEST("executors do not leak descriptors")
{
    auto const lowest = [] {
        auto const fd = dup(0);
        close(fd);
        return fd;
    };
    auto const before = lowest();
    for (int i = 0; i < 10; ++i)
    {
        Client client;
    }
    CHECK_EQ(lowest(), before);
}

TEST("several executors live side by side")
{
    Client one;
    Client two;
    one.ready();
    two.ready();
    auto const first = one.submit({10});
    auto const second = two.submit({20});
    CHECK(one.answer(first).tokens == std::vector<std::int32_t>({11, 12, 13}));
    CHECK(two.answer(second).tokens == std::vector<std::int32_t>({21, 22, 23}));
}
