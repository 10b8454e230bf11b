// The thread of a session: load, dispatch, unload.
#include "engine_json.h"
#include "failure.h"
#include "response_records.h"
#include "session.h"
#include "signal_handlers.h"

#include <algorithm>
#include <optional>
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
/// How late it may be noticed that the caller is gone.
constexpr std::chrono::milliseconds kCallerCheck{500};
constexpr float kProgressStep = 0.01f;

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
        awaitLoras();
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
        KeptSignalHandlers const handlers;
        auto engine = loadEngine(mConfig.enginePath, mConfig.executor, mConfig.backendOptions,
            [&](float fraction)
            {
                progress.report(fraction);
                std::lock_guard const lock(mMutex);
                return !mStopRequested && !mQueue.isAbandoned();
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
    auto nextCheck = Clock::now() + kCallerCheck;
    for (;;)
    {
        {
            std::unique_lock lock(mMutex);
            mWork.wait_until(lock, nextCheck, [&] { return mStopRequested || !mActive.empty(); });
            if (Clock::now() >= nextCheck)
            {
                nextCheck = Clock::now() + kCallerCheck;
                mStopRequested = mStopRequested || mQueue.isAbandoned();
            }
            if (mStopRequested && mActive.empty())
            {
                return;
            }
            if (!mStopRequested && mActive.empty())
            {
                continue;
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
    std::vector<ResponseLogProbs> all;
    for (auto const& response : responses)
    {
        all.push_back(logProbs(response));
    }
    std::lock_guard const lock(mMutex);
    RecordQueue::Batch batch(mQueue);
    for (std::size_t i = 0; i < responses.size(); ++i)
    {
        auto const request = mActive.find(responses[i].getRequestId());
        if (request != mActive.end() && appendResponse(batch, responses[i], all[i], request->second))
        {
            mActive.erase(request);
        }
    }
}

ResponseLogProbs Session::logProbs(tle::Response const& response) const
{
    LogProbOptions options;
    {
        std::lock_guard const lock(mMutex);
        auto const request = mActive.find(response.getRequestId());
        if (request == mActive.end() || response.hasError())
        {
            return {};
        }
        options = request->second.logProbs;
    }
    return {generationLogProbs(response.getResult(), options), promptLogProbs(response.getResult(), options)};
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

} // namespace trtllm_shim
