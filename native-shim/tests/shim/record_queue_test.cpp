#include "client.h"
#include "failure.h"
#include "record_queue.h"
#include "status.h"
#include "text.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace
{

/// Calls of operator new in this process.
std::atomic<long> allocations{0};

} // namespace

void* operator new(std::size_t size)
{
    ++allocations;
    if (void* const memory = std::malloc(size))
    {
        return memory;
    }
    throw std::bad_alloc();
}

void operator delete(void* memory) noexcept
{
    std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept
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
    CHECK_EQ(fixture.drain().size(), 3);
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
    fixture.add(1, {1});
    fixture.add(2, {1, 2, 3});
    fixture.add(3, {1});
    auto const first = fixture.drain(40 + 47);
    CHECK_EQ(first.size(), 1);
    alignas(8) std::uint8_t small[47];
    auto const tooSmall = fixture.queue.drain(small, sizeof(small));
    CHECK(!tooSmall.fits);
    CHECK_EQ(tooSmall.bytes, 48);
    CHECK(!fixture.queue.drain(nullptr, 0).fits);
    auto const rest = fixture.drain(88);
    CHECK_EQ(rest.size(), 2);
    CHECK_EQ(rest[0].header.request_id, 2);
    CHECK_EQ(rest[1].header.request_id, 3);
}

TEST("records stay whole and in order while the queue grows and is drained piecemeal")
{
    Fixture fixture;
    std::uint64_t added = 0;
    std::uint64_t seen = 0;
    for (int round = 0; round < 2000; ++round)
    {
        for (int i = 0; i < 7; ++i, ++added)
        {
            fixture.add(added, std::vector<std::int32_t>(1 + added % 5, static_cast<std::int32_t>(added)));
        }
        for (auto const& record : fixture.drain(round % 2 == 0 ? 200 : 400))
        {
            CHECK_EQ(record.header.request_id, seen);
            CHECK(record.tokens == std::vector<std::int32_t>(1 + seen % 5, static_cast<std::int32_t>(seen)));
            ++seen;
        }
    }
    for (auto records = fixture.drain(); !records.empty(); records = fixture.drain())
    {
        for (auto const& record : records)
        {
            CHECK_EQ(record.header.request_id, seen++);
        }
    }
    CHECK_EQ(seen, added);
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
            batch.final(static_cast<std::uint64_t>(i), 0, TRTLLM_FINISH_LENGTH, {});
        }
        CHECK(fixture.queue.drain(reinterpret_cast<std::uint8_t*>(buffer.data()), buffer.size() * 8).bytes > 0);
    };
    pass(1000);
    auto const before = allocations.load();
    for (int round = 0; round < 1000; ++round)
    {
        pass(1 + round % 1000);
    }
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
