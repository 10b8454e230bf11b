// One executor behind one handle: loads it, forwards requests, turns responses into records, stops it.
#pragma once

#include "backend.h"
#include "config_json.h"
#include "record_queue.h"
#include "response_records.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace trtllm_shim
{

/// Loading, then ready, then stopped; or loading, then failed. One thread loads the engine, hands out its
/// responses, and stops it. Every method may be called from any thread.
class Session
{
public:
    /// How long a stop waits for the final records of requests that were cancelled.
    static constexpr std::chrono::milliseconds kStopLimit{10'000};

    explicit Session(SessionConfig config, std::chrono::milliseconds stopLimit = kStopLimit);
    ~Session();
    Session(Session const&) = delete;
    Session& operator=(Session const&) = delete;

    int releaseWakeFd() noexcept;

    /// Returns the request's id. Exactly one FINAL or ERROR record follows for it.
    std::uint64_t submit(std::string_view requestJson, std::int32_t const* tokens, std::size_t tokenCount);
    /// An id that has ended, or never was, is ignored.
    void cancel(std::uint64_t requestId);
    /// Returns at once; a LORA record follows.
    void loadLora(std::uint64_t taskId, std::filesystem::path const& folder);
    void unloadLora(std::uint64_t taskId);
    RecordQueue::Drained drain(std::uint8_t* buffer, std::size_t capacity) noexcept;

    struct Text
    {
        std::size_t bytes; // without the zero, or the capacity needed where it does not fit
        bool fits;
    };

    /// Each writes a zero-terminated JSON array. What does not fit is kept for the next call.
    Text iterationStats(char* buffer, std::size_t capacity);
    Text requestStats(char* buffer, std::size_t capacity);
    Text kvCacheEvents(char* buffer, std::size_t capacity);

    /// Throws StatusError with TRTLLM_ERR_UNSUPPORTED where the engine carries none.
    [[nodiscard]] std::shared_ptr<Vocabulary const> vocabulary() const;

    /// Begins the stop and returns at once.
    void shutdown() noexcept;
    /// Stops, and waits for it. For one thread only.
    void close();

private:
    enum class State
    {
        kLOADING,
        kREADY,
        kFAILED,
        kSTOPPED
    };

    void run() noexcept;
    bool load() noexcept;
    void dispatch();
    void readLora(std::uint64_t taskId, std::filesystem::path const& folder) noexcept;
    void awaitLoras();
    void record(std::vector<tensorrt_llm::executor::Response> const& responses);
    /// Without the lock: it may take long.
    [[nodiscard]] ResponseLogProbs logProbs(tensorrt_llm::executor::Response const& response) const;
    void cancelAll();
    void failAll(trtllm_status status, std::string_view message);
    void unload() noexcept;

    /// Writes what is kept, or else `items`, which it takes from the executor, each as `json` makes it.
    template <typename Items, typename Json>
    Text writeArray(std::string& kept, Items items, Json json, char* buffer, std::size_t capacity);

    /// Both with mMutex held.
    void requireLoaded() const;
    void requireRunning() const;

    SessionConfig const mConfig;
    std::chrono::milliseconds const mStopLimit;
    RecordQueue mQueue;

    /// Guards all below but the texts, and every call into the executor except awaitResponses. A response
    /// can thus not be recorded before submit has noted its request.
    mutable std::mutex mMutex;
    std::condition_variable mWork;
    State mState{State::kLOADING};
    bool mStopRequested{false};
    trtllm_error mLoadFailure{};
    LoadedEngine mEngine;
    std::unordered_map<std::uint64_t, AnswerOptions> mActive;
    /// By task id. A request takes the weights along, as the executor may have evicted them: it ignores those it has.
    std::unordered_map<std::uint64_t, tensorrt_llm::executor::LoraConfig> mLoras;
    std::vector<std::future<void>> mLoraReads;

    std::mutex mTextMutex; // taken before mMutex
    // Built and not yet handed over.
    std::string mIterationStats;
    std::string mRequestStats;
    std::string mKvCacheEvents;

    std::thread mThread;
};

} // namespace trtllm_shim
