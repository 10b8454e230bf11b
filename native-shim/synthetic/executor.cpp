// tensorrt_llm::executor::Executor that invents tokens. As strict about its callers as TensorRT-LLM: ids are
// counted without a lock, and every call after shutdown throws.
#include "answers.h"
#include "model.h"
#include "script.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace synthetic
{

std::atomic<int> executors{0};

int liveExecutors()
{
    return executors;
}

} // namespace synthetic

namespace tensorrt_llm::executor
{

using namespace synthetic;
using Clock = std::chrono::steady_clock;

char const* version() noexcept
{
    return "0.0.1-synthetic";
}

class Executor::Impl
{
public:
    Impl(Script script, ExecutorConfig const& config)
        : mScript(std::move(script))
        , mMaxBatchSize(static_cast<std::size_t>(config.getMaxBatchSize().value_or(kDefaultBatchSize)))
        , mMaxQueueSize(config.getMaxQueueSize())
        , mStatsLimit(static_cast<std::size_t>(config.getIterStatsMaxIterations()))
        , mThread([this] { loop(); })
    {
        ++executors;
    }

    ~Impl()
    {
        shutdown();
        --executors;
    }

    IdType enqueue(Request const& request)
    {
        auto const kind = request.getInputTokenIds().front();
        if (kind == kBREAK_ENQUEUE)
        {
            throw std::runtime_error("The enqueue broke.");
        }
        if (kind == kBREAK_ENQUEUE_ODDLY)
        {
            throw 42;
        }
        auto const id = ++mLastId;
        {
            std::lock_guard const lock(mMutex);
            requireRunning();
            if (mMaxQueueSize && mActive.size() >= mMaxBatchSize + static_cast<std::size_t>(*mMaxQueueSize))
            {
                throw std::runtime_error("[TensorRT-LLM][ERROR] Maximum queue size of "
                    + std::to_string(*mMaxQueueSize) + " has been reached, please try again later");
            }
            mActive.emplace(id, Active{request, kind, Clock::now()}); // in the order of ids
            mBroken = mBroken || kind == kBREAK_AWAIT;
            if (kind == kANSWER_FIRST)
            {
                while (mActive.count(id) > 0)
                {
                    step();
                }
            }
        }
        mWork.notify_all();
        mReady.notify_all();
        if (kind == kANSWER_FIRST)
        {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return id;
    }

    std::vector<Response> await(std::optional<std::chrono::milliseconds> const& timeout)
    {
        std::unique_lock lock(mMutex);
        requireRunning();
        auto const ready = [this] { return mBroken || !mResponses.empty() || mStopping; };
        if (timeout)
        {
            mReady.wait_for(lock, *timeout, ready);
        }
        else
        {
            mReady.wait(lock, ready);
        }
        if (mBroken)
        {
            throw std::runtime_error("The await broke.");
        }
        return std::exchange(mResponses, {});
    }

    void cancel(IdType id)
    {
        std::lock_guard const lock(mMutex);
        requireRunning();
        if (id == 0 || id > mLastId)
        {
            throw std::runtime_error("A cancel of request " + std::to_string(id) + ", which never was.");
        }
        auto const found = mActive.find(id);
        if (found != mActive.end())
        {
            found->second.cancelled = true;
        }
    }

    void shutdown()
    {
        {
            std::lock_guard const lock(mMutex);
            mStopping = true;
        }
        mWork.notify_all();
        mReady.notify_all();
        if (mThread.joinable())
        {
            mThread.join();
        }
    }

    std::deque<IterationStats> takeStats()
    {
        std::lock_guard const lock(mMutex);
        requireRunning();
        return std::exchange(mStats, {});
    }

private:
    void requireRunning() const
    {
        if (mStopping)
        {
            throw std::runtime_error("Shutdown called");
        }
    }

    void loop()
    {
        std::unique_lock lock(mMutex);
        while (!mStopping)
        {
            mWork.wait(lock, [this] { return mStopping || !mActive.empty(); });
            auto const begin = Clock::now();
            auto const tokens = step();
            mReady.notify_all();
            lock.unlock();
            pause(begin, tokens);
            lock.lock();
        }
    }

    /// Returns how many tokens it made at most.
    std::size_t step()
    {
        if (mScript.fault && mIteration >= static_cast<IterationType>(mScript.faultAfterSteps))
        {
            strike(*mScript.fault);
        }
        std::size_t running = 0;
        for (auto entry = mActive.begin(); entry != mActive.end();)
        {
            // What waits for its turn can only be cancelled.
            auto const turn = running < mMaxBatchSize || entry->second.cancelled;
            running += turn ? 1 : 0;
            auto const goesOn = !turn || advance(entry->first, entry->second, mScript, mResponses);
            entry = goesOn ? std::next(entry) : mActive.erase(entry);
        }
        noteStats(running);
        return running * static_cast<std::size_t>(mScript.tokensPerResponse);
    }

    void noteStats(std::size_t running)
    {
        IterationStats stats{};
        stats.iter = mIteration++;
        stats.numActiveRequests = static_cast<SizeType32>(running);
        stats.numQueuedRequests = static_cast<SizeType32>(mActive.size() - std::min(running, mActive.size()));
        mStats.push_back(stats);
        while (mStats.size() > mStatsLimit)
        {
            mStats.pop_front();
        }
    }

    /// Lets time pass until the next step is due. What sleeping takes too long is caught up with.
    void pause(Clock::time_point begin, std::size_t tokens)
    {
        std::chrono::duration<double> wait = mScript.stepDelay;
        if (mScript.tokensPerSecond > 0)
        {
            wait += std::chrono::duration<double>(static_cast<double>(tokens) / mScript.tokensPerSecond);
        }
        if (wait.count() <= 0)
        {
            std::this_thread::yield();
            return;
        }
        constexpr std::chrono::milliseconds kLagLimit{50};
        mDue = std::max(mDue, begin - kLagLimit) + std::chrono::duration_cast<Clock::duration>(wait);
        std::this_thread::sleep_until(mDue);
    }

    Script const mScript;
    std::size_t const mMaxBatchSize;
    std::optional<SizeType32> const mMaxQueueSize;
    std::size_t const mStatsLimit;
    IdType mLastId{0}; // unguarded on purpose
    std::mutex mMutex;
    std::condition_variable mWork;
    std::condition_variable mReady;
    std::map<IdType, Active> mActive;
    std::vector<Response> mResponses;
    std::deque<IterationStats> mStats;
    IterationType mIteration{0};
    Clock::time_point mDue{}; // of the loop's thread
    bool mStopping{false};
    bool mBroken{false};
    std::thread mThread;
};

Executor::Executor(std::shared_ptr<Model> model, ExecutorConfig const& executorConfig)
    : mImpl(std::make_unique<Impl>(model->script, executorConfig))
{
}

Executor::~Executor() = default;

IdType Executor::enqueueRequest(Request const& request)
{
    return mImpl->enqueue(request);
}

std::vector<Response> Executor::awaitResponses(std::optional<std::chrono::milliseconds> const& timeout)
{
    return mImpl->await(timeout);
}

void Executor::cancelRequest(IdType requestId)
{
    mImpl->cancel(requestId);
}

void Executor::shutdown()
{
    mImpl->shutdown();
}

std::deque<IterationStats> Executor::getLatestIterationStats()
{
    return mImpl->takeStats();
}

} // namespace tensorrt_llm::executor
