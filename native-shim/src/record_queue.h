// Records on their way to the caller: tokens joined per request, the others in a byte queue, and a pipe that wakes
// whoever drains them. What belongs to one request stays in order.
#pragma once

#include "log_probs.h"
#include "pending_tokens.h"
#include "trtllm_shim.h"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

namespace trtllm_shim
{

/// Any thread may append and drain.
class RecordQueue
{
public:
    /// Throws StatusError where the system has no pipe left.
    RecordQueue();
    ~RecordQueue();
    RecordQueue(RecordQueue const&) = delete;
    RecordQueue& operator=(RecordQueue const&) = delete;

    /// The descriptor becomes readable when a record comes that nobody is about to drain: the first one, and the
    /// first after each drain that found nothing. From the first call on it is the caller's to close.
    int releaseWakeFd() noexcept;
    /// Whether whoever took it has closed it.
    [[nodiscard]] bool isAbandoned() const noexcept;

    struct Drained
    {
        std::size_t bytes; // stored, or the size of the first record where that does not fit
        bool fits;
    };

    /// Moves as many whole records as fit; all tokens of a sequence in one where they do.
    Drained drain(std::uint8_t* buffer, std::size_t capacity) noexcept;

    /// Holds the queue while records are appended, and wakes the reader at its end where that waits.
    class Batch
    {
    public:
        explicit Batch(RecordQueue& queue);
        ~Batch();
        Batch(Batch const&) = delete;
        Batch& operator=(Batch const&) = delete;

        void loadProgress(float fraction);
        void ready(std::string_view json);
        void loadFailed(trtllm_status status, std::string_view message);
        /// `logProbs`: null for none.
        void tokens(std::uint64_t requestId, std::uint32_t sequenceIndex, std::int32_t const* tokens,
            float const* logProbs, std::uint32_t count);
        /// What `logProbs` has of alternatives: of the prompt, or of tokens that are appended next.
        void topLogProbs(
            std::uint64_t requestId, std::uint32_t sequenceIndex, LogProbs const& logProbs, bool ofPrompt);
        void promptLogProbs(std::uint64_t requestId, LogProbs const& logProbs);
        /// Of one of several; others of its request may go on.
        void sequenceEnd(
            std::uint64_t requestId, std::uint32_t sequenceIndex, std::uint8_t finishReason, float cumulativeLogProb);
        void final(
            std::uint64_t requestId, std::uint32_t sequenceIndex, std::uint8_t finishReason, trtllm_final const& facts);
        void error(std::uint64_t requestId, trtllm_status status, std::string_view message);
        void lora(std::uint64_t taskId, trtllm_status status, std::string_view message);
        void stopped();

    private:
        /// A request's pending tokens go before its last record.
        void endTokens(std::uint64_t requestId);
        void spill(std::uint64_t requestId, PendingTokens::Sequence const& pending);
        /// Room for a record, zeroed.
        std::uint8_t* append(std::size_t recordSize);
        /// Appends a record with room for its payload; fills in size and time. Returns the payload, zeroed.
        std::uint8_t* append(trtllm_record header, std::size_t payloadBytes);
        void failed(std::uint16_t kind, std::uint64_t requestId, trtllm_status status, std::string_view message);

        RecordQueue& mQueue;
        std::unique_lock<std::mutex> mLock;
        std::uint64_t mTimeNs;
    };

private:
    void wake() const noexcept;
    std::size_t drainBytes(std::uint8_t* buffer, std::size_t capacity, std::size_t& needed) noexcept;
    std::size_t drainTokens(std::uint8_t* buffer, std::size_t capacity, std::size_t& needed) noexcept;

    std::mutex mMutex;
    std::vector<std::uint8_t> mBytes; // undrained records from mHead on, older than what is pending
    PendingTokens mPending;
    std::size_t mHead{0};
    bool mReaderWaits{true}; // for a byte, which one that drains without pause does not need
    int mWriteFd{-1};
    int mCallerFd{-1};
};

} // namespace trtllm_shim
