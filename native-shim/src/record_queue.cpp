#include "record_queue.h"

#include "status.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace trtllm_shim
{

namespace
{

constexpr std::size_t kInitialBytes = 64 * 1024;
constexpr std::size_t kRecordAlignment = 8;

static_assert(sizeof(trtllm_record) == 32 && sizeof(trtllm_final) == 56, "the layout is part of the ABI");

std::uint64_t nowNs()
{
    auto const now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

std::size_t recordBytes(std::size_t payloadBytes)
{
    return (sizeof(trtllm_record) + payloadBytes + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

std::size_t tokenBytes(PendingTokens::Sequence const& pending)
{
    return sizeof(std::int32_t) + (pending.logProbs.empty() ? 0 : sizeof(float));
}

trtllm_record header(
    std::uint16_t kind, std::uint64_t requestId, std::size_t count, std::uint32_t sequenceIndex = 0)
{
    trtllm_record record{};
    record.kind = kind;
    record.request_id = requestId;
    record.sequence_index = sequenceIndex;
    record.count = static_cast<std::uint32_t>(count);
    return record;
}

/// A TOKENS record of the first `count` tokens; returns its size.
std::size_t writeTokens(
    std::uint8_t* target, std::uint64_t requestId, PendingTokens::Sequence const& pending, std::size_t count)
{
    auto record = header(TRTLLM_RECORD_TOKENS, requestId, count, pending.index);
    auto const size = recordBytes(count * tokenBytes(pending));
    record.size = static_cast<std::uint32_t>(size);
    record.time_ns = pending.timeNs;
    record.flags = pending.logProbs.empty() ? 0 : TRTLLM_RECORD_FLAG_LOG_PROBS;
    std::memset(target + size - kRecordAlignment, 0, kRecordAlignment); // padding
    std::memcpy(target, &record, sizeof(record));
    target += sizeof(record);
    std::memcpy(target, pending.tokens.data(), count * sizeof(std::int32_t));
    if (!pending.logProbs.empty())
    {
        std::memcpy(target + count * sizeof(std::int32_t), pending.logProbs.data(), count * sizeof(float));
    }
    return size;
}

} // namespace

RecordQueue::RecordQueue()
{
    mBytes.reserve(kInitialBytes);
    int fds[2];
    // A pipe would raise SIGPIPE in a process that has closed its end.
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0)
    {
        throw StatusError(TRTLLM_ERR_EXECUTOR,
            "No socket can be opened: " + std::generic_category().message(errno) + ". Raise the limit of open files.");
    }
    mCallerFd = fds[0];
    mWriteFd = fds[1];
}

RecordQueue::~RecordQueue()
{
    close(mWriteFd);
    if (mCallerFd >= 0)
    {
        close(mCallerFd);
    }
}

int RecordQueue::releaseWakeFd() noexcept
{
    return std::exchange(mCallerFd, -1);
}

bool RecordQueue::isAbandoned() const noexcept
{
    pollfd poller{mWriteFd, 0, 0};
    return poll(&poller, 1, 0) == 1 && (poller.revents & (POLLHUP | POLLERR)) != 0;
}

RecordQueue::Drained RecordQueue::drain(std::uint8_t* buffer, std::size_t capacity) noexcept
{
    std::lock_guard const lock(mMutex);
    std::size_t needed = 0; // by the first record that does not fit
    auto bytes = drainBytes(buffer, capacity, needed);
    if (needed == 0)
    {
        bytes += drainTokens(buffer + bytes, capacity - bytes, needed);
    }
    mReaderWaits = mReaderWaits || (bytes == 0 && needed == 0);
    return bytes == 0 && needed > 0 ? Drained{needed, false} : Drained{bytes, true};
}

std::size_t RecordQueue::drainBytes(std::uint8_t* buffer, std::size_t capacity, std::size_t& needed) noexcept
{
    std::size_t bytes = 0;
    while (mHead + bytes < mBytes.size())
    {
        std::uint32_t size = 0;
        std::memcpy(&size, mBytes.data() + mHead + bytes + offsetof(trtllm_record, size), sizeof(size));
        if (bytes + size > capacity)
        {
            needed = size;
            break;
        }
        bytes += size;
    }
    if (bytes > 0)
    {
        std::memcpy(buffer, mBytes.data() + mHead, bytes);
        mHead += bytes;
    }
    if (mHead == mBytes.size())
    {
        mBytes.clear();
        mHead = 0;
    }
    return bytes;
}

std::size_t RecordQueue::drainTokens(std::uint8_t* buffer, std::size_t capacity, std::size_t& needed) noexcept
{
    std::size_t bytes = 0;
    mPending.take(
        [&](std::uint64_t requestId, PendingTokens::Sequence const& pending) -> std::size_t
        {
            auto const perToken = tokenBytes(pending);
            auto const room = capacity - bytes;
            if (room < recordBytes(perToken))
            {
                needed = recordBytes(perToken);
                return 0;
            }
            // Rounded down, so that the padding fits as well.
            auto const most = (room / kRecordAlignment * kRecordAlignment - sizeof(trtllm_record)) / perToken;
            auto const count = std::min(pending.tokens.size(), most);
            bytes += writeTokens(buffer + bytes, requestId, pending, count);
            needed = count < pending.tokens.size() ? recordBytes(perToken) : 0;
            return count;
        });
    return bytes;
}

void RecordQueue::wake() const noexcept
{
    std::uint8_t const byte = 1;
    // A full one (EAGAIN) holds bytes that wake its reader anyway.
    while (send(mWriteFd, &byte, 1, MSG_NOSIGNAL) < 0 && errno == EINTR)
    {
    }
}

RecordQueue::Batch::Batch(RecordQueue& queue)
    : mQueue(queue)
    , mLock(queue.mMutex)
    , mTimeNs(nowNs())
{
}

RecordQueue::Batch::~Batch()
{
    auto const wakes = mQueue.mReaderWaits && !(mQueue.mBytes.empty() && mQueue.mPending.empty());
    mQueue.mReaderWaits = mQueue.mReaderWaits && !wakes;
    mLock.unlock();
    if (wakes)
    {
        mQueue.wake();
    }
}

void RecordQueue::Batch::loadProgress(float fraction)
{
    std::memcpy(append(header(TRTLLM_RECORD_LOAD_PROGRESS, 0, 0), sizeof(fraction)), &fraction, sizeof(fraction));
}

void RecordQueue::Batch::ready(std::string_view json)
{
    std::memcpy(append(header(TRTLLM_RECORD_READY, 0, json.size()), json.size()), json.data(), json.size());
}

void RecordQueue::Batch::loadFailed(trtllm_status status, std::string_view message)
{
    failed(TRTLLM_RECORD_LOAD_FAILED, 0, status, message);
}

void RecordQueue::Batch::tokens(std::uint64_t requestId, std::uint32_t sequenceIndex, std::int32_t const* tokens,
    float const* logProbs, std::uint32_t count)
{
    mQueue.mPending.append(requestId, sequenceIndex, tokens, logProbs, count, mTimeNs,
        [this](std::uint64_t id, PendingTokens::Sequence const& pending) { spill(id, pending); });
}

void RecordQueue::Batch::endTokens(std::uint64_t requestId)
{
    mQueue.mPending.end(
        requestId, [this](std::uint64_t id, PendingTokens::Sequence const& pending) { spill(id, pending); });
}

void RecordQueue::Batch::spill(std::uint64_t requestId, PendingTokens::Sequence const& pending)
{
    auto const count = pending.tokens.size();
    writeTokens(append(recordBytes(count * tokenBytes(pending))), requestId, pending, count);
}

void RecordQueue::Batch::topLogProbs(
    std::uint64_t requestId, std::uint32_t sequenceIndex, LogProbs const& logProbs, bool ofPrompt)
{
    auto record = header(TRTLLM_RECORD_TOP_LOG_PROBS, requestId, logProbs.chosen.size(), sequenceIndex);
    record.flags = ofPrompt ? TRTLLM_RECORD_FLAG_PROMPT : 0;
    auto const alternatives = static_cast<std::uint32_t>(logProbs.alternatives);
    auto const bytes = logProbs.ids.size() * sizeof(std::int32_t);
    auto* const payload = append(record, sizeof(alternatives) + 2 * bytes);
    std::memcpy(payload, &alternatives, sizeof(alternatives));
    std::memcpy(payload + sizeof(alternatives), logProbs.ids.data(), bytes);
    std::memcpy(payload + sizeof(alternatives) + bytes, logProbs.values.data(), bytes);
}

void RecordQueue::Batch::promptLogProbs(std::uint64_t requestId, LogProbs const& logProbs)
{
    auto const& chosen = logProbs.chosen;
    auto* const payload
        = append(header(TRTLLM_RECORD_PROMPT_LOG_PROBS, requestId, chosen.size()), chosen.size() * sizeof(float));
    std::memcpy(payload, chosen.data(), chosen.size() * sizeof(float));
}

void RecordQueue::Batch::sequenceEnd(
    std::uint64_t requestId, std::uint32_t sequenceIndex, std::uint8_t finishReason, float cumulativeLogProb)
{
    mQueue.mPending.flush(requestId, sequenceIndex,
        [this](std::uint64_t id, PendingTokens::Sequence const& pending) { spill(id, pending); });
    auto record = header(TRTLLM_RECORD_SEQUENCE_END, requestId, 0, sequenceIndex);
    record.finish_reason = finishReason;
    std::memcpy(append(record, sizeof(cumulativeLogProb)), &cumulativeLogProb, sizeof(cumulativeLogProb));
}

void RecordQueue::Batch::final(
    std::uint64_t requestId, std::uint32_t sequenceIndex, std::uint8_t finishReason, trtllm_final const& facts)
{
    endTokens(requestId);
    auto record = header(TRTLLM_RECORD_FINAL, requestId, 0, sequenceIndex);
    record.finish_reason = finishReason;
    std::memcpy(append(record, sizeof(facts)), &facts, sizeof(facts));
}

void RecordQueue::Batch::error(std::uint64_t requestId, trtllm_status status, std::string_view message)
{
    endTokens(requestId);
    failed(TRTLLM_RECORD_ERROR, requestId, status, message);
}

void RecordQueue::Batch::lora(std::uint64_t taskId, trtllm_status status, std::string_view message)
{
    failed(TRTLLM_RECORD_LORA, taskId, status, message);
}

void RecordQueue::Batch::stopped()
{
    append(header(TRTLLM_RECORD_STOPPED, 0, 0), 0);
}

std::uint8_t* RecordQueue::Batch::append(std::size_t recordSize)
{
    auto& bytes = mQueue.mBytes;
    // Drained space is taken back when it is at least half of what is there: each byte moves once on average.
    if (bytes.size() + recordSize > bytes.capacity() && mQueue.mHead * 2 >= bytes.size())
    {
        bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(mQueue.mHead));
        mQueue.mHead = 0;
    }
    auto const start = bytes.size();
    bytes.resize(start + recordSize);
    return bytes.data() + start;
}

std::uint8_t* RecordQueue::Batch::append(trtllm_record record, std::size_t payloadBytes)
{
    auto const size = recordBytes(payloadBytes);
    record.size = static_cast<std::uint32_t>(size);
    record.time_ns = mTimeNs;
    auto* const target = append(size);
    std::memcpy(target, &record, sizeof(record));
    return target + sizeof(record);
}

void RecordQueue::Batch::failed(
    std::uint16_t kind, std::uint64_t requestId, trtllm_status status, std::string_view message)
{
    auto* const payload = append(header(kind, requestId, message.size()), sizeof(status) + message.size());
    std::memcpy(payload, &status, sizeof(status));
    std::memcpy(payload + sizeof(status), message.data(), message.size());
}

} // namespace trtllm_shim
