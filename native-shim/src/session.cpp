#include "session.h"

#include "engine_json.h"
#include "failure.h"
#include "request_json.h"
#include "response_records.h"

#include <cmath>
#include <cstring>
#include <system_error>
#include <utility>

namespace trtllm_shim
{

namespace
{

namespace tle = tensorrt_llm::executor;

using Clock = std::chrono::steady_clock;

/// How late a stop may be noticed while requests run; tokens end the wait at once.
constexpr std::chrono::milliseconds kResponseWait{20};
constexpr float kProgressStep = 0.01f;

/// TensorRT-LLM has no error type for a full queue. Its text: "Maximum queue size of N has been reached, ...".
bool saysQueueFull(std::string_view message)
{
    return message.find("Maximum queue size of") != std::string_view::npos;
}

void checkExists(std::filesystem::path const& path)
{
    std::error_code error;
    auto const status = std::filesystem::status(path, error);
    if (!std::filesystem::exists(status))
    {
        auto const missing = status.type() == std::filesystem::file_type::not_found;
        throw StatusError(TRTLLM_ERR_ENGINE_NOT_FOUND,
            (missing ? "There is nothing at " + path.string() : path.string() + " cannot be read: " + error.message())
                + ". Expected an engine file or a directory with an engine.");
    }
}

/// Passes on what is at least one percent more than before.
class Progress
{
public:
    explicit Progress(RecordQueue& queue)
        : mQueue(queue)
    {
    }

    void report(float fraction)
    {
        if (fraction >= mLast + kProgressStep || (fraction >= 1.0f && mLast < 1.0f))
        {
            mLast = std::min(fraction, 1.0f);
            RecordQueue::Batch(mQueue).loadProgress(mLast);
        }
    }

private:
    RecordQueue& mQueue;
    float mLast{-kProgressStep};
};

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
    auto const request = parseRequest(requestJson, tokens, tokenCount, description);

    std::lock_guard const lock(mMutex);
    requireRunning();
    std::uint64_t id = 0;
    try
    {
        id = mEngine.executor->enqueueRequest(request);
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
    mActive.emplace(id, ActiveRequest{request.getOutputConfig().returnLogProbs});
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

Session::Text Session::iterationStats(char* buffer, std::size_t capacity)
{
    std::lock_guard const statsLock(mStatsMutex);
    if (mStats.empty())
    {
        std::deque<tle::IterationStats> latest;
        {
            std::lock_guard const lock(mMutex);
            requireLoaded();
            latest = mEngine.executor->getLatestIterationStats();
        }
        std::string text = "[";
        for (auto const& stats : latest)
        {
            text.append(text.size() > 1 ? "," : "").append(tle::JsonSerialization::toJsonStr(stats));
        }
        mStats = text + "]";
    }
    auto const bytes = mStats.size();
    if (capacity < bytes + 1)
    {
        return {bytes + 1, false};
    }
    std::memcpy(buffer, mStats.c_str(), bytes + 1);
    mStats.clear();
    return {bytes, true};
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

void Session::run() noexcept
{
    if (load())
    {
        try
        {
            dispatch();
        }
        catch (...)
        {
            auto const error = currentFailure();
            failAll(error.code, error.message);
        }
        unload();
    }
    RecordQueue::Batch(mQueue).stopped();
}

bool Session::load() noexcept
{
    try
    {
        checkExists(mConfig.enginePath);
        Progress progress(mQueue);
        auto engine = loadEngine(mConfig.enginePath, mConfig.executor, mConfig.backendOptions,
            [&](float fraction)
            {
                progress.report(fraction);
                std::lock_guard const lock(mMutex);
                return !mStopRequested;
            });
        auto const ready = readyJson(mConfig.enginePath, engine.description, engine.vocabulary.get());

        std::lock_guard const lock(mMutex);
        if (mStopRequested)
        {
            throw StatusError(TRTLLM_ERR_ABORTED, "The load was ended by a shutdown.");
        }
        mEngine = std::move(engine);
        mState = State::kREADY;
        RecordQueue::Batch(mQueue).ready(ready);
        return true;
    }
    catch (...)
    {
        auto const error = currentFailure();
        std::lock_guard const lock(mMutex);
        mState = State::kFAILED;
        mLoadFailure = error;
        RecordQueue::Batch(mQueue).loadFailed(error.code, error.message);
        return false;
    }
}

void Session::dispatch()
{
    std::optional<Clock::time_point> giveUp;
    for (;;)
    {
        {
            std::unique_lock lock(mMutex);
            mWork.wait(lock, [&] { return mStopRequested || !mActive.empty(); });
            if (mStopRequested && mActive.empty())
            {
                return;
            }
            if (mStopRequested && !giveUp)
            {
                giveUp = Clock::now() + mStopLimit;
                cancelAll();
            }
        }
        if (giveUp && Clock::now() >= *giveUp)
        {
            failAll(TRTLLM_ERR_STOPPED, "The request did not end in time after it was cancelled by a shutdown.");
            return;
        }
        // Without the lock, which is safe as only this thread takes the executor away.
        record(mEngine.executor->awaitResponses(kResponseWait));
    }
}

void Session::record(std::vector<tle::Response> const& responses)
{
    if (responses.empty())
    {
        return;
    }
    std::lock_guard const lock(mMutex);
    RecordQueue::Batch batch(mQueue);
    for (auto const& response : responses)
    {
        auto const request = mActive.find(response.getRequestId());
        if (request != mActive.end() && appendResponse(batch, response, request->second.logProbs))
        {
            mActive.erase(request);
        }
    }
}

void Session::cancelAll()
{
    for (auto const& request : mActive)
    {
        mEngine.executor->cancelRequest(request.first);
    }
}

void Session::failAll(trtllm_status status, std::string_view message)
{
    std::lock_guard const lock(mMutex);
    mStopRequested = true;
    RecordQueue::Batch batch(mQueue);
    for (auto const& request : mActive)
    {
        batch.error(request.first, status, message);
    }
    mActive.clear();
}

void Session::unload() noexcept
{
    LoadedEngine engine;
    {
        std::lock_guard const lock(mMutex);
        mState = State::kSTOPPED;
        engine.executor = std::move(mEngine.executor);
        engine.vocabulary = std::move(mEngine.vocabulary);
    }
    try
    {
        engine.executor->shutdown();
    }
    catch (...)
    {
        // Every request has its last record; the destructor is all that is left to do.
    }
    engine.executor.reset();
}

void Session::requireLoaded() const
{
    switch (mState)
    {
    case State::kREADY: return;
    case State::kLOADING:
        throw StatusError(TRTLLM_ERR_NOT_READY, "The engine is still loading. Wait for its READY record.");
    case State::kFAILED: throw StatusError(TRTLLM_ERR_NOT_READY, std::string("The engine failed to load: ") + mLoadFailure.message);
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
