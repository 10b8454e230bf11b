#include "session.h"

#include "kv_event_json.h"
#include "request_json.h"

#include <cstring>
#include <string>
#include <utility>

namespace trtllm_shim
{

namespace
{

namespace tle = tensorrt_llm::executor;

/// TensorRT-LLM has no error type for a full queue. Its text: "Maximum queue size of N has been reached, ...".
bool saysQueueFull(std::string_view message)
{
    return message.find("Maximum queue size of") != std::string_view::npos;
}

} // namespace

Session::Session(SessionConfig config, std::chrono::milliseconds stopLimit)
    : mConfig(std::move(config))
    , mStopLimit(stopLimit)
    , mThread(&Session::run, this)
{
}

Session::~Session()
{
    close();
}

int Session::releaseWakeFd() noexcept
{
    return mQueue.releaseWakeFd();
}

std::uint64_t Session::submit(std::string_view requestJson, std::int32_t const* tokens, std::size_t tokenCount)
{
    {
        std::lock_guard const lock(mMutex);
        requireRunning();
    }
    auto const& description = mEngine.description; // constant from READY on
    auto parsed = parseRequest(requestJson, tokens, tokenCount, description);

    std::lock_guard const lock(mMutex);
    requireRunning();
    if (parsed.loraTaskId)
    {
        auto const lora = mLoras.find(*parsed.loraTaskId);
        if (lora == mLoras.end())
        {
            throw StatusError(TRTLLM_ERR_INVALID_ARGUMENT,
                "\"loraTaskId\" is " + std::to_string(*parsed.loraTaskId) + "; no such LoRA adapter is loaded.");
        }
        parsed.request.setLoraConfig(lora->second);
    }
    std::uint64_t id = 0;
    try
    {
        id = mEngine.executor->enqueueRequest(parsed.request);
    }
    catch (std::exception const& error)
    {
        if (!saysQueueFull(error.what()))
        {
            throw;
        }
        throw StatusError(TRTLLM_ERR_QUEUE_FULL,
            "The queue is full: " + std::to_string(description.maxQueueSize)
                + " requests are waiting. Submit again when one has ended, or raise maxQueueSize.");
    }
    mActive.emplace(id, std::move(parsed.answer));
    mWork.notify_one();
    return id;
}

void Session::cancel(std::uint64_t requestId)
{
    std::lock_guard const lock(mMutex);
    // The executor would keep an id that it does not know for ever.
    if (mEngine.executor && mActive.count(requestId) > 0)
    {
        mEngine.executor->cancelRequest(requestId);
    }
}

RecordQueue::Drained Session::drain(std::uint8_t* buffer, std::size_t capacity) noexcept
{
    return mQueue.drain(buffer, capacity);
}

template <typename Items, typename Json>
Session::Text Session::writeArray(std::string& kept, Items items, Json json, char* buffer, std::size_t capacity)
{
    std::lock_guard const textLock(mTextMutex);
    if (kept.empty())
    {
        auto const latest = [&]
        {
            std::lock_guard const lock(mMutex);
            requireLoaded();
            return items(*mEngine.executor);
        }();
        std::string text = "[";
        for (auto const& item : latest)
        {
            text.append(text.size() > 1 ? "," : "").append(json(item));
        }
        kept = text + "]";
    }
    auto const bytes = kept.size();
    if (capacity < bytes + 1)
    {
        return {bytes + 1, false};
    }
    std::memcpy(buffer, kept.c_str(), bytes + 1);
    kept.clear();
    return {bytes, true};
}

Session::Text Session::iterationStats(char* buffer, std::size_t capacity)
{
    return writeArray(mIterationStats, [](tle::Executor& executor) { return executor.getLatestIterationStats(); },
        [](tle::IterationStats const& stats) { return tle::JsonSerialization::toJsonStr(stats); }, buffer, capacity);
}

Session::Text Session::requestStats(char* buffer, std::size_t capacity)
{
    return writeArray(mRequestStats, [](tle::Executor& executor) { return executor.getLatestRequestStats(); },
        [](tle::RequestStatsPerIteration const& stats) { return tle::JsonSerialization::toJsonStr(stats); }, buffer,
        capacity);
}

Session::Text Session::kvCacheEvents(char* buffer, std::size_t capacity)
{
    return writeArray(mKvCacheEvents,
        [](tle::Executor& executor)
        {
            auto const manager = executor.getKVCacheEventManager();
            return manager ? (*manager)->getLatestEvents(std::chrono::milliseconds(0))
                           : std::deque<tle::KVCacheEvent>{};
        },
        [](tle::KVCacheEvent const& event) { return toJson(event); }, buffer, capacity);
}

std::shared_ptr<Vocabulary const> Session::vocabulary() const
{
    std::lock_guard const lock(mMutex);
    requireLoaded();
    if (mEngine.vocabulary == nullptr)
    {
        throw StatusError(TRTLLM_ERR_UNSUPPORTED,
            "The engine " + mConfig.enginePath.string()
                + " carries no vocabulary. Use the tokenizer files beside it.");
    }
    return mEngine.vocabulary;
}

void Session::shutdown() noexcept
{
    std::lock_guard const lock(mMutex);
    mStopRequested = true;
    mWork.notify_one();
}

void Session::close()
{
    shutdown();
    if (mThread.joinable())
    {
        mThread.join();
    }
}

void Session::requireLoaded() const
{
    switch (mState)
    {
    case State::kREADY: return;
    case State::kLOADING:
        throw StatusError(TRTLLM_ERR_NOT_READY, "The engine is still loading. Wait for its READY record.");
    case State::kFAILED:
        throw StatusError(TRTLLM_ERR_NOT_READY, std::string("The engine failed to load: ") + mLoadFailure.message);
    case State::kSTOPPED: throw StatusError(TRTLLM_ERR_STOPPED, "The executor has stopped. Create a new one.");
    }
}

void Session::requireRunning() const
{
    if (mStopRequested)
    {
        throw StatusError(TRTLLM_ERR_STOPPED, "The executor is stopping. Create a new one.");
    }
    requireLoaded();
}

} // namespace trtllm_shim
