// Drives the C ABI as packages/core does: waits on the pipe, drains, decodes.
#pragma once

#include "check.h"
#include "script.h"
#include "trtllm_shim.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <vector>

struct Record
{
    trtllm_record header{};
    std::string text;               // READY, LOAD_FAILED, ERROR, LORA
    trtllm_status status{};         // LOAD_FAILED, ERROR, LORA
    float progress{};               // LOAD_PROGRESS
    trtllm_final final{};           // FINAL
    float cumulativeLogProb{};      // SEQUENCE_END
    std::vector<std::int32_t> tokens; // TOKENS
    std::vector<float> logProbs;      // TOKENS, PROMPT_LOG_PROBS
    std::uint32_t alternatives{};     // TOP_LOG_PROBS, as the two below
    std::vector<std::int32_t> topIds;
    std::vector<float> topLogProbs;
};

inline std::deque<Record> decode(std::uint8_t const* bytes, std::size_t size)
{
    std::deque<Record> records;
    for (std::size_t offset = 0; offset < size;)
    {
        Record record;
        CHECK(size - offset >= sizeof(trtllm_record));
        std::memcpy(&record.header, bytes + offset, sizeof(trtllm_record));
        CHECK_EQ(record.header.size % 8, 0);
        CHECK(record.header.size >= sizeof(trtllm_record) && record.header.size <= size - offset);
        auto const* payload = bytes + offset + sizeof(trtllm_record);
        auto const count = record.header.count;
        auto const take = [&](void* target, std::size_t length)
        {
            std::memcpy(target, payload, length);
            payload += length;
            CHECK(payload <= bytes + offset + record.header.size);
        };
        switch (record.header.kind)
        {
        case TRTLLM_RECORD_LOAD_PROGRESS: take(&record.progress, sizeof(float)); break;
        case TRTLLM_RECORD_LOAD_FAILED:
        case TRTLLM_RECORD_LORA:
        case TRTLLM_RECORD_ERROR: take(&record.status, sizeof(record.status)); [[fallthrough]];
        case TRTLLM_RECORD_READY:
            record.text.resize(count);
            take(record.text.data(), count);
            break;
        case TRTLLM_RECORD_TOKENS:
            record.tokens.resize(count);
            take(record.tokens.data(), count * sizeof(std::int32_t));
            if ((record.header.flags & TRTLLM_RECORD_FLAG_LOG_PROBS) != 0)
            {
                record.logProbs.resize(count);
                take(record.logProbs.data(), count * sizeof(float));
            }
            break;
        case TRTLLM_RECORD_TOP_LOG_PROBS:
            take(&record.alternatives, sizeof(record.alternatives));
            record.topIds.resize(count * record.alternatives);
            take(record.topIds.data(), record.topIds.size() * sizeof(std::int32_t));
            record.topLogProbs.resize(count * record.alternatives);
            take(record.topLogProbs.data(), record.topLogProbs.size() * sizeof(float));
            break;
        case TRTLLM_RECORD_PROMPT_LOG_PROBS:
            record.logProbs.resize(count);
            take(record.logProbs.data(), count * sizeof(float));
            break;
        case TRTLLM_RECORD_FINAL: take(&record.final, sizeof(record.final)); break;
        case TRTLLM_RECORD_SEQUENCE_END: take(&record.cumulativeLogProb, sizeof(float)); break;
        case TRTLLM_RECORD_STOPPED: break;
        default: CHECK(!"a known kind of record");
        }
        offset += record.header.size;
        records.push_back(std::move(record));
    }
    return records;
}

/// Waits until `fd` is readable, and takes what is in it. False after `timeoutMs`.
inline bool wait(int fd, int timeoutMs = 20'000)
{
    pollfd poller{fd, POLLIN, 0};
    if (poll(&poller, 1, timeoutMs) != 1)
    {
        return false;
    }
    char bytes[256];
    while (read(fd, bytes, sizeof(bytes)) == static_cast<ssize_t>(sizeof(bytes)))
    {
    }
    return true;
}

struct Answer
{
    std::vector<std::int32_t> tokens;
    std::vector<float> logProbs;
    Record end; // FINAL or ERROR
};

class Client
{
public:
    std::uint64_t handle{0};
    int wakeFd{-1};

    /// `script`: what script.h describes, as JSON. `executor`: the part of the configuration with that name.
    explicit Client(std::string const& script = "{}", std::string const& executor = "{}")
    {
        auto const config = R"({"engine": "/", "executor": )" + executor + R"(, "synthetic": )" + script + "}";
        trtllm_error error{};
        auto const status = trtllm_executor_create(config.c_str(), &handle, &wakeFd, &error);
        CHECK_EQ(std::string(error.message), "");
        CHECK_EQ(status, TRTLLM_OK);
    }

    ~Client()
    {
        trtllm_executor_destroy(handle, nullptr);
        close(wakeFd);
    }

    Client(Client const&) = delete;
    Client& operator=(Client const&) = delete;

    /// The next record, waited for.
    Record next()
    {
        while (mRecords.empty())
        {
            drain();
            if (mRecords.empty())
            {
                CHECK(wait(wakeFd));
            }
        }
        auto record = std::move(mRecords.front());
        mRecords.pop_front();
        return record;
    }

    /// The next record of one of these kinds; others are dropped.
    Record next(std::vector<int> const& kinds)
    {
        for (;;)
        {
            auto record = next();
            if (std::find(kinds.begin(), kinds.end(), record.header.kind) != kinds.end())
            {
                return record;
            }
        }
    }

    Client& ready()
    {
        auto const record = next({TRTLLM_RECORD_READY, TRTLLM_RECORD_LOAD_FAILED});
        CHECK_EQ(record.header.kind, TRTLLM_RECORD_READY);
        return *this;
    }

    std::uint64_t submit(std::vector<std::int32_t> const& prompt, std::string const& json = R"({"maxTokens": 3})")
    {
        trtllm_error error{};
        std::uint64_t id = 0;
        auto const status = trtllm_executor_submit(handle, json.c_str(), prompt.data(), prompt.size(), &id, &error);
        CHECK_EQ(std::string(error.message), "");
        CHECK_EQ(status, TRTLLM_OK);
        return id;
    }

    /// A submit that is refused.
    trtllm_error refusal(std::vector<std::int32_t> const& prompt, std::string const& json = R"({"maxTokens": 3})") const
    {
        trtllm_error error{};
        std::uint64_t id = 77;
        auto const status = trtllm_executor_submit(handle, json.c_str(), prompt.data(), prompt.size(), &id, &error);
        CHECK_EQ(status, error.code);
        CHECK(status != TRTLLM_OK);
        CHECK_EQ(id, 77);
        return error;
    }

    /// Everything about one request, which is the only one.
    Answer answer(std::uint64_t id)
    {
        Answer answer;
        for (;;)
        {
            auto const record = next();
            CHECK_EQ(record.header.request_id, id);
            if (record.header.kind != TRTLLM_RECORD_TOKENS)
            {
                answer.end = record;
                return answer;
            }
            answer.tokens.insert(answer.tokens.end(), record.tokens.begin(), record.tokens.end());
            answer.logProbs.insert(answer.logProbs.end(), record.logProbs.begin(), record.logProbs.end());
        }
    }

    /// True where nothing more is queued.
    bool silent()
    {
        drain();
        return mRecords.empty();
    }

    void shutdown() const
    {
        CHECK_EQ(trtllm_executor_shutdown(handle, nullptr), TRTLLM_OK);
    }

private:
    void drain()
    {
        alignas(8) std::uint8_t buffer[16384];
        std::size_t written = 0;
        CHECK_EQ(trtllm_executor_drain(handle, buffer, sizeof(buffer), &written, nullptr), TRTLLM_OK);
        auto decoded = decode(buffer, written);
        std::move(decoded.begin(), decoded.end(), std::back_inserter(mRecords));
    }

    std::deque<Record> mRecords;
};
