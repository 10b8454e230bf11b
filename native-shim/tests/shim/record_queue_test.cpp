#include "client.h"
#include "failure.h"
#include "record_queue.h"
#include "status.h"
#include "text.h"

#include <atomic>
#include <cstdlib>
#include <map>
#include <new>
#include <numeric>
#include <random>
#include <set>

namespace
{

/// Calls of operator new in this process.
std::atomic<long> allocations{0};

} // namespace

// Not inlined: GCC would see free() meet operator new.
__attribute__((noinline)) void* operator new(std::size_t size)
{
    ++allocations;
    if (void* const memory = std::malloc(size))
    {
        return memory;
    }
    throw std::bad_alloc();
}

__attribute__((noinline)) void operator delete(void* memory) noexcept
{
    std::free(memory);
}

__attribute__((noinline)) void operator delete(void* memory, std::size_t) noexcept
{
    std::free(memory);
}

namespace
{

using namespace trtllm_shim;
using Batch = RecordQueue::Batch;

struct Fixture
{
    RecordQueue queue;
    int fd{queue.releaseWakeFd()};

    ~Fixture()
    {
        close(fd);
    }

    int wakeBytes() const
    {
        char bytes[64];
        return static_cast<int>(read(fd, bytes, sizeof(bytes)));
    }

    std::deque<Record> drain(std::size_t capacity = 65536)
    {
        std::vector<std::uint64_t> buffer((capacity + 7) / 8);
        auto* const bytes = reinterpret_cast<std::uint8_t*>(buffer.data());
        auto const drained = queue.drain(bytes, capacity);
        CHECK(drained.fits);
        return decode(bytes, drained.bytes);
    }

    void add(std::uint64_t id, std::vector<std::int32_t> const& tokens)
    {
        Batch(queue).tokens(id, 0, tokens.data(), nullptr, static_cast<std::uint32_t>(tokens.size()));
    }
};

} // namespace

TEST("one byte arrives with the first record, and with the first after a drain that found nothing")
{
    Fixture fixture;
    CHECK_EQ(fixture.wakeBytes(), -1);
    fixture.add(1, {1});
    fixture.add(1, {2});
    CHECK_EQ(fixture.wakeBytes(), 1);
    fixture.add(1, {3});
    CHECK_EQ(fixture.wakeBytes(), -1);
    CHECK(fixture.drain().front().tokens == std::vector<std::int32_t>({1, 2, 3}));
    fixture.add(1, {4}); // the reader is still at it
    CHECK_EQ(fixture.wakeBytes(), -1);
    CHECK_EQ(fixture.drain().size(), 1);
    CHECK(fixture.drain().empty());
    CHECK(fixture.drain().empty());
    CHECK_EQ(fixture.wakeBytes(), -1);
    fixture.add(1, {5});
    CHECK_EQ(fixture.wakeBytes(), 1);
}

TEST("a batch wakes once, and an empty one not at all")
{
    Fixture fixture;
    {
        Batch batch(fixture.queue);
    }
    CHECK_EQ(fixture.wakeBytes(), -1);
    {
        Batch batch(fixture.queue);
        batch.stopped();
        batch.stopped();
    }
    CHECK_EQ(fixture.wakeBytes(), 1);
}

TEST("each kind of record has the layout of the header")
{
    Fixture fixture;
    std::int32_t const tokens[] = {5, -6, 7};
    float const logProbs[] = {-0.5f, -1.5f, -2.5f};
    trtllm_final facts{};
    facts.arrival_ns = 1;
    facts.kv_blocks_missed = 9;
    facts.accepted_draft_tokens = 8;
    {
        Batch batch(fixture.queue);
        batch.loadProgress(0.25f);
        batch.ready("{}");
        batch.loadFailed(TRTLLM_ERR_ENGINE_CORRUPT, "torn");
        batch.tokens(3, 1, tokens, logProbs, 3);
        batch.final(3, 1, TRTLLM_FINISH_END_ID, facts);
        batch.error(1ull << 40, TRTLLM_ERR_EXECUTOR, "");
        batch.stopped();
    }
    auto const records = fixture.drain();
    CHECK_EQ(records.size(), 7);
    CHECK_EQ(records[0].progress, 0.25f);
    CHECK_EQ(records[0].header.size, 40);
    CHECK_EQ(records[1].text, "{}");
    CHECK_EQ(records[2].status, TRTLLM_ERR_ENGINE_CORRUPT);
    CHECK_EQ(records[2].text, "torn");
    CHECK(records[3].tokens == std::vector<std::int32_t>({5, -6, 7}));
    CHECK(records[3].logProbs == std::vector<float>({-0.5f, -1.5f, -2.5f}));
    CHECK_EQ(records[3].header.sequence_index, 1);
    CHECK_EQ(records[3].header.size, 56);
    CHECK_EQ(records[4].header.finish_reason, TRTLLM_FINISH_END_ID);
    CHECK_EQ(records[4].final.arrival_ns, 1);
    CHECK_EQ(records[4].final.kv_blocks_missed, 9);
    CHECK_EQ(records[4].final.accepted_draft_tokens, 8);
    CHECK_EQ(records[5].header.request_id, 1ull << 40);
    CHECK_EQ(records[5].header.size, 40);
    CHECK_EQ(records[6].header.size, 32);
    for (auto const& record : records)
    {
        CHECK_EQ(record.header.time_ns, records[0].header.time_ns);
    }
}

TEST("a drain takes whole records only, and loses none")
{
    Fixture fixture;
    {
        Batch batch(fixture.queue);
        batch.error(1, TRTLLM_ERR_EXECUTOR, "four");
        batch.error(2, TRTLLM_ERR_EXECUTOR, "a longer message");
        batch.error(3, TRTLLM_ERR_EXECUTOR, "four");
    }
    CHECK_EQ(fixture.drain(40 + 55).size(), 1);
    alignas(8) std::uint8_t small[55];
    auto const tooSmall = fixture.queue.drain(small, sizeof(small));
    CHECK(!tooSmall.fits);
    CHECK_EQ(tooSmall.bytes, 56);
    CHECK(!fixture.queue.drain(nullptr, 0).fits);
    auto const rest = fixture.drain(96);
    CHECK_EQ(rest.size(), 2);
    CHECK_EQ(rest[0].header.request_id, 2);
    CHECK_EQ(rest[1].header.request_id, 3);
}

TEST("a drain joins the tokens of a sequence, and splits them where the buffer ends")
{
    Fixture fixture;
    fixture.add(1, {1});
    fixture.add(2, {5});
    fixture.add(1, {2, 3, 4});
    auto const first = fixture.drain(47); // two tokens fit into 40 bytes
    CHECK_EQ(first.size(), 1);
    CHECK(first[0].tokens == std::vector<std::int32_t>({1, 2}));
    alignas(8) std::uint8_t small[39];
    auto const tooSmall = fixture.queue.drain(small, sizeof(small));
    CHECK(!tooSmall.fits);
    CHECK_EQ(tooSmall.bytes, 40);
    auto const rest = fixture.drain();
    CHECK_EQ(rest.size(), 2);
    CHECK(rest[0].tokens == std::vector<std::int32_t>({3, 4}));
    CHECK(rest[1].tokens == std::vector<std::int32_t>({5}));
    CHECK(fixture.drain().empty());
}

TEST("sequences of one request, and tokens with and without log-probs, are not mixed")
{
    Fixture fixture;
    std::int32_t const tokens[] = {1, 2};
    float const logProbs[] = {-0.5f, -1.5f};
    {
        Batch batch(fixture.queue);
        batch.tokens(7, 0, tokens, logProbs, 1);
        batch.tokens(7, 1, tokens, logProbs, 2);
        batch.tokens(7, 0, tokens + 1, logProbs + 1, 1);
        batch.tokens(7, 0, tokens, nullptr, 1);
        batch.final(7, 1, TRTLLM_FINISH_END_ID, {});
    }
    auto const records = fixture.drain();
    CHECK_EQ(records.size(), 4);
    CHECK(records[0].tokens == std::vector<std::int32_t>({1, 2}));
    CHECK(records[0].logProbs == std::vector<float>({-0.5f, -1.5f}));
    CHECK_EQ(records[1].header.sequence_index, 0);
    CHECK(records[1].logProbs.empty());
    CHECK_EQ(records[2].header.sequence_index, 1);
    CHECK(records[2].logProbs == std::vector<float>({-0.5f, -1.5f}));
    CHECK_EQ(records[3].header.kind, TRTLLM_RECORD_FINAL);
}

TEST("the end of a sequence follows its tokens, and those of its siblings go on")
{
    Fixture fixture;
    std::int32_t const tokens[] = {1, 2};
    {
        Batch batch(fixture.queue);
        batch.tokens(7, 0, tokens, nullptr, 1);
        batch.tokens(7, 1, tokens, nullptr, 2);
        batch.sequenceEnd(7, 1, TRTLLM_FINISH_END_ID, -2.5f);
        batch.tokens(7, 0, tokens + 1, nullptr, 1);
        batch.sequenceEnd(8, 0, TRTLLM_FINISH_LENGTH, 0.0f); // of a request without tokens
    }
    auto const records = fixture.drain();
    CHECK_EQ(records.size(), 4);
    CHECK(records[0].tokens == std::vector<std::int32_t>({1, 2}));
    CHECK_EQ(records[1].header.kind, TRTLLM_RECORD_SEQUENCE_END);
    CHECK_EQ(records[1].header.sequence_index, 1);
    CHECK_EQ(records[1].header.finish_reason, TRTLLM_FINISH_END_ID);
    CHECK_EQ(records[1].header.size, 40);
    CHECK_EQ(records[1].cumulativeLogProb, -2.5f);
    CHECK_EQ(records[2].header.request_id, 8);
    CHECK_EQ(records[3].header.sequence_index, 0);
    CHECK(records[3].tokens == std::vector<std::int32_t>({1, 2}));
}

TEST("each request's tokens stay whole and in order, its last record last, however the queue is drained")
{
    Fixture fixture;
    std::mt19937 random(7);
    std::map<std::uint64_t, std::int32_t> given;
    std::map<std::uint64_t, std::int32_t> seen;
    std::set<std::uint64_t> ended;
    auto const take = [&](std::size_t capacity)
    {
        auto const records = fixture.drain(capacity);
        for (auto const& record : records)
        {
            auto const id = record.header.request_id;
            CHECK_EQ(ended.count(id), 0);
            for (auto const token : record.tokens)
            {
                CHECK_EQ(token, seen[id]++);
            }
            if (record.header.kind == TRTLLM_RECORD_FINAL)
            {
                CHECK_EQ(seen[id], given[id]);
                ended.insert(id);
            }
        }
        return records.size();
    };
    std::uint64_t oldest = 0;
    for (int round = 0; round < 20'000; ++round)
    {
        {
            Batch batch(fixture.queue);
            auto const id = oldest + random() % 20;
            std::vector<std::int32_t> tokens(1 + random() % 9);
            std::iota(tokens.begin(), tokens.end(), given[id]);
            given[id] += static_cast<std::int32_t>(tokens.size());
            batch.tokens(id, 0, tokens.data(), nullptr, static_cast<std::uint32_t>(tokens.size()));
            if (random() % 8 == 0)
            {
                batch.final(oldest++, 0, TRTLLM_FINISH_LENGTH, {});
            }
        }
        if (random() % 3 == 0)
        {
            take(88 + random() % 400);
        }
    }
    while (take(88) > 0)
    {
    }
    CHECK(seen == given);
    CHECK_EQ(ended.size(), oldest);
}

TEST("a queue whose pipe nobody reads goes on working")
{
    Fixture fixture;
    for (std::int32_t i = 0; i < 70'000; ++i) // more than a pipe holds
    {
        fixture.add(1, {i});
        CHECK_EQ(fixture.drain(64).size(), 1);
        CHECK(fixture.drain(64).empty());
    }
}

TEST("a queue that is warm allocates nothing, whatever passes through it")
{
    Fixture fixture;
    std::vector<std::uint64_t> buffer(1 << 17);
    std::vector<std::int32_t> const tokens(8, 1);
    std::vector<float> const logProbs(8, -1.0f);
    auto const pass = [&](int records)
    {
        for (int i = 0; i < records; ++i)
        {
            Batch batch(fixture.queue);
            batch.tokens(static_cast<std::uint64_t>(i), 0, tokens.data(), logProbs.data(), 8);
            batch.tokens(static_cast<std::uint64_t>(i) + 1, 0, tokens.data(), logProbs.data(), 8);
            batch.final(static_cast<std::uint64_t>(i), 0, TRTLLM_FINISH_LENGTH, {});
        }
        CHECK(fixture.queue.drain(reinterpret_cast<std::uint8_t*>(buffer.data()), buffer.size() * 8).bytes > 0);
    };
    auto const load = [&]
    {
        for (int round = 0; round < 1000; ++round)
        {
            pass(1 + round);
        }
    };
    load();
    load(); // begins with what the one before left behind
    auto const before = allocations.load();
    load();
    CHECK_EQ(allocations.load(), before);
}

TEST("text is cut between characters")
{
    CHECK_EQ(cutUtf8("abc", 3), "abc");
    CHECK_EQ(cutUtf8("abc", 2), "ab");
    CHECK_EQ(cutUtf8("aé", 2), "a");
    CHECK_EQ(cutUtf8("a€", 3), "a");
    CHECK_EQ(cutUtf8("a€", 4), "a€");
    CHECK_EQ(cutUtf8("😀😀", 7), "😀");
    CHECK_EQ(cutUtf8("😀", 3), "");
    CHECK_EQ(cutUtf8("", 0), "");
}

TEST("a long message ends with a zero and a whole character")
{
    std::string text = "x";
    while (text.size() < 5000)
    {
        text += "ü";
    }
    auto const error = failure(TRTLLM_ERR_EXECUTOR, text);
    std::string const message = error.message;
    CHECK_EQ(message.size(), 1023);
    CHECK_EQ(message, text.substr(0, 1023));
    CHECK_EQ(failure(TRTLLM_ERR_EXECUTOR, text.substr(1)).message, text.substr(1, 1022));
}
