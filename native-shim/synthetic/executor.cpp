// tensorrt_llm::executor::Executor that invents tokens. As strict about its callers as TensorRT-LLM: ids are
// counted without a lock, and every call after shutdown throws.
#include "answers.h"
#include "model.h"
#include "mpi_world.h"
#include "script.h"
#include "sequences.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

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

/// As TensorRT-LLM's: the loop owns the running requests; what others reach has mutexes that are held briefly.
class Executor::Impl
{
    /// What the leader tells the others.
    static constexpr int kEnd = 0;
    static constexpr int kStep = 1;

public:
    Impl(Script script, ExecutorConfig const& config)
        : mScript(std::move(script))
        , mMaxBatchSize(static_cast<std::size_t>(config.getMaxBatchSize().value_or(kDefaultBatchSize)))
        , mMaxQueueSize(config.getMaxQueueSize())
        , mStatsLimit(static_cast<std::size_t>(config.getIterStatsMaxIterations()))
        , mKvBlocks(kvBlocks(mScript, config))
        , mRequestStatsLimit(static_cast<std::size_t>(config.getRequestStatsMaxIterations()))
        , mWorld(MpiWorld::join())
        , mThread([this] { isLeader() ? loop() : follow(); })
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
        if (!isLeader())
        {
            throw std::runtime_error("Only the leader can enqueue requests");
        }
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
        Active active{request, kind, Clock::now()};
        active.several = wantsSeveral(request);
        if (kind == kANSWER_FIRST)
        {
            answerNow(id, std::move(active));
            return id;
        }
        {
            std::lock_guard const lock(mQueueMutex);
            requireRunning();
            if (mMaxQueueSize && mUnended >= mMaxBatchSize + static_cast<std::size_t>(*mMaxQueueSize))
            {
                throw std::runtime_error("[TensorRT-LLM][ERROR] Maximum queue size of "
                    + std::to_string(*mMaxQueueSize) + " has been reached, please try again later");
            }
            ++mUnended;
            mQueue.emplace_back(id, std::move(active));
        }
        mWork.notify_one();
        if (kind == kBREAK_AWAIT)
        {
            std::lock_guard const lock(mResponseMutex);
            mBroken = true;
            mReady.notify_all();
        }
        return id;
    }

    std::vector<Response> await(std::optional<std::chrono::milliseconds> const& timeout)
    {
        std::unique_lock lock(mResponseMutex);
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
        std::vector<Response> responses;
        responses.reserve(mResponses.size()); // as many are likely to come next
        std::swap(responses, mResponses);
        return responses;
    }

    void cancel(IdType id)
    {
        std::lock_guard const lock(mQueueMutex);
        requireRunning();
        if (id == 0 || id > mLastId)
        {
            throw std::runtime_error("A cancel of request " + std::to_string(id) + ", which never was.");
        }
        mCancelled.push_back(id);
    }

    void shutdown()
    {
        {
            std::scoped_lock const lock(mQueueMutex, mResponseMutex);
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
        std::lock_guard const lock(mStatsMutex);
        requireRunning();
        return std::exchange(mStats, {});
    }

    std::deque<RequestStatsPerIteration> takeRequestStats()
    {
        std::lock_guard const lock(mStatsMutex);
        requireRunning();
        return std::exchange(mRequestStats, {});
    }

private:
    void requireRunning() const
    {
        if (mStopping)
        {
            throw std::runtime_error("Shutdown called");
        }
    }

    void answerNow(IdType id, Active active)
    {
        std::vector<Response> responses;
        while (advance(id, active, mScript, responses))
        {
        }
        publish(responses);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }

    [[nodiscard]] bool isLeader() const
    {
        return mWorld == nullptr || mWorld->rank() == 0;
    }

    /// Takes part in every step of the leader until it ends.
    void follow()
    {
        for (std::int32_t steps = 0; mWorld->broadcast(kEnd) != kEnd; ++steps)
        {
            if (mScript.fault && steps >= mScript.faultAfterSteps)
            {
                strike(*mScript.fault);
            }
        }
    }

    void tellFollowers(int what) const
    {
        if (mWorld != nullptr)
        {
            static_cast<void>(mWorld->broadcast(what));
        }
    }

    void loop()
    {
        std::vector<Response> responses;
        while (fetch())
        {
            auto const begin = Clock::now();
            tellFollowers(kStep);
            auto const tokens = step(responses);
            publish(responses);
            pause(begin, tokens);
        }
        tellFollowers(kEnd);
    }

    /// Waits for work, and takes what is new of it. False where there will be no more.
    bool fetch()
    {
        std::unique_lock lock(mQueueMutex);
        auto const idle = mActive.empty();
        if (idle)
        {
            mWork.wait(lock, [this] { return mStopping || !mQueue.empty(); });
            mDue = Clock::now();
        }
        for (auto& [id, active] : mQueue)
        {
            mActive.emplace(id, std::move(active));
        }
        mQueue.clear();
        for (auto const id : mCancelled)
        {
            if (auto const found = mActive.find(id); found != mActive.end())
            {
                found->second.cancelled = true;
            }
        }
        mCancelled.clear();
        return !mStopping;
    }

    /// Returns how many tokens it made at most.
    std::size_t step(std::vector<Response>& responses)
    {
        if (mScript.fault && mIteration >= static_cast<IterationType>(mScript.faultAfterSteps))
        {
            strike(*mScript.fault);
        }
        std::size_t running = 0;
        RequestStatsPerIteration requests{mIteration, {}};
        for (auto entry = mActive.begin(); entry != mActive.end();) // in the order of ids
        {
            // What waits for its turn can only be cancelled.
            auto const turn = running < mMaxBatchSize || entry->second.cancelled;
            running += turn ? 1 : 0;
            auto const goesOn = !turn || advance(entry->first, entry->second, mScript, responses);
            if (mRequestStatsLimit > 0)
            {
                requests.requestStats.push_back(statsOf(entry->first, entry->second, turn, goesOn));
            }
            if (!goesOn)
            {
                entry = mActive.erase(entry);
                --mUnended;
            }
            else
            {
                ++entry;
            }
        }
        noteStats(running, std::move(requests));
        return running * static_cast<std::size_t>(mScript.tokensPerResponse);
    }

    void publish(std::vector<Response>& responses)
    {
        {
            std::lock_guard const lock(mResponseMutex);
            std::move(responses.begin(), responses.end(), std::back_inserter(mResponses));
        }
        responses.clear();
        mReady.notify_all();
    }

    static RequestStats statsOf(IdType id, Active const& active, bool scheduled, bool goesOn)
    {
        RequestStats stats{};
        stats.id = id;
        stats.stage = goesOn ? RequestStage::kGENERATION_IN_PROGRESS : RequestStage::kGENERATION_COMPLETE;
        stats.numGeneratedTokens = active.generated;
        stats.scheduled = scheduled;
        return stats;
    }

    void noteStats(std::size_t running, RequestStatsPerIteration requests)
    {
        IterationStats stats{};
        stats.iter = mIteration++;
        stats.numActiveRequests = static_cast<SizeType32>(running);
        stats.numQueuedRequests = static_cast<SizeType32>(mActive.size() - std::min(running, mActive.size()));
        KvCacheStats kvCache{};
        kvCache.maxNumBlocks = kvCache.freeNumBlocks = mKvBlocks;
        kvCache.tokensPerBlock = kTokensPerBlock;
        stats.kvCacheStats = kvCache;
        std::lock_guard const lock(mStatsMutex);
        mStats.push_back(stats);
        while (mStats.size() > mStatsLimit)
        {
            mStats.pop_front();
        }
        mRequestStats.push_back(std::move(requests));
        while (mRequestStats.size() > mRequestStatsLimit)
        {
            mRequestStats.pop_front();
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
    SizeType32 const mKvBlocks;
    std::size_t const mRequestStatsLimit;
    std::shared_ptr<MpiWorld> const mWorld; // null where this process is alone
    IdType mLastId{0}; // unguarded on purpose
    std::atomic<bool> mStopping{false};
    std::atomic<std::size_t> mUnended{0};

    std::mutex mQueueMutex;
    std::condition_variable mWork;
    std::vector<std::pair<IdType, Active>> mQueue;
    std::vector<IdType> mCancelled;

    std::mutex mResponseMutex;
    std::condition_variable mReady;
    std::vector<Response> mResponses;
    bool mBroken{false};

    std::mutex mStatsMutex;
    std::deque<IterationStats> mStats;
    std::deque<RequestStatsPerIteration> mRequestStats;

    // Of the loop's thread
    std::map<IdType, Active> mActive;
    IterationType mIteration{0};
    Clock::time_point mDue{};

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

std::deque<RequestStatsPerIteration> Executor::getLatestRequestStats()
{
    return mImpl->takeRequestStats();
}

std::optional<std::shared_ptr<KVCacheEventManager>> Executor::getKVCacheEventManager() const
{
    return std::nullopt; // has no KV cache
}

std::deque<KVCacheEvent> KVCacheEventManager::getLatestEvents(std::optional<std::chrono::milliseconds>)
{
    return {};
}

} // namespace tensorrt_llm::executor
