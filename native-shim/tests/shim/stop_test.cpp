#include "client.h"
#include "config_json.h"
#include "session.h"

#include <chrono>
#include <cstdlib>
#include <set>
#include <sys/wait.h>

namespace
{

using namespace synthetic;

} // namespace

TEST("an executor that fails ends every request with its message, and stops")
{
    Client client(R"({"stepDelayMs": 1})");
    client.ready();
    std::set<std::uint64_t> open{client.submit({kENDLESS}), client.submit({kENDLESS}), client.submit({kBREAK_AWAIT})};
    for (auto record = client.next(); record.header.kind != TRTLLM_RECORD_STOPPED; record = client.next())
    {
        if (record.header.kind == TRTLLM_RECORD_ERROR)
        {
            CHECK_EQ(record.status, TRTLLM_ERR_EXECUTOR);
            CHECK_EQ(record.text, "The await broke.");
            CHECK_EQ(open.erase(record.header.request_id), 1);
        }
    }
    CHECK(open.empty());
    CHECK_EQ(liveExecutors(), 0);
    CHECK_EQ(client.refusal({1}).code, TRTLLM_ERR_STOPPED);
}

TEST("a shutdown cancels what runs, and each request gets its final record first")
{
    Client client(R"({"stepDelayMs": 1})");
    client.ready();
    std::set<std::uint64_t> open;
    for (int i = 0; i < 10; ++i)
    {
        open.insert(client.submit({kENDLESS}, R"({"maxTokens": 100})"));
    }
    client.shutdown();
    CHECK_EQ(client.refusal({1}).code, TRTLLM_ERR_STOPPED);
    for (auto record = client.next(); record.header.kind != TRTLLM_RECORD_STOPPED; record = client.next())
    {
        if (record.header.kind == TRTLLM_RECORD_FINAL)
        {
            CHECK_EQ(record.header.finish_reason, TRTLLM_FINISH_CANCELLED);
            CHECK_EQ(open.erase(record.header.request_id), 1);
        }
    }
    CHECK(open.empty());
}

TEST("destroying an executor with requests in flight waits for its end")
{
    Client client(R"({"stepDelayMs": 1})");
    client.ready();
    for (int i = 0; i < 10; ++i)
    {
        client.submit({kENDLESS}, R"({"maxTokens": 100})");
    }
    CHECK_EQ(trtllm_executor_destroy(client.handle, nullptr), TRTLLM_OK);
    CHECK_EQ(liveExecutors(), 0);
}

TEST("a request that ignores its cancel does not hold up a stop for ever")
{
    using namespace std::chrono_literals;
    trtllm_shim::Session session(
        trtllm_shim::parseConfig(R"({"engine": "/", "synthetic": {"stepDelayMs": 1}})"), 50ms);
    auto const fd = session.releaseWakeFd();
    std::uint64_t id = 0;
    std::vector<Record> ends;
    for (bool stopped = false; !stopped;)
    {
        CHECK(wait(fd));
        alignas(8) std::uint8_t buffer[65536];
        for (;;)
        {
            auto const drained = session.drain(buffer, sizeof(buffer));
            if (drained.bytes == 0)
            {
                break;
            }
            for (auto const& record : decode(buffer, drained.bytes))
            {
                if (record.header.kind == TRTLLM_RECORD_READY)
                {
                    std::int32_t const prompt = kDEAF;
                    id = session.submit(R"({"maxTokens": 100})", &prompt, 1);
                    session.shutdown();
                }
                if (record.header.kind == TRTLLM_RECORD_ERROR)
                {
                    ends.push_back(record);
                }
                stopped = record.header.kind == TRTLLM_RECORD_STOPPED;
            }
        }
    }
    close(fd);
    CHECK_EQ(ends.size(), 1);
    CHECK_EQ(ends[0].header.request_id, id);
    CHECK_EQ(ends[0].status, TRTLLM_ERR_STOPPED);
}

TEST("a process that exits with executors at work and loading ends cleanly")
{
    auto const child = fork();
    if (child == 0)
    {
        Client loading(R"({"loadUntilStopped": true})"); // exit destroys nothing that is local
        Client client(R"({"stepDelayMs": 1})");
        client.ready().submit({kENDLESS}, R"({"maxTokens": 100})");
        std::exit(trtllm_executor_cancel(client.handle, 0, nullptr));
    }
    int status = -1;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
}
