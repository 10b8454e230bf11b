// tensorrt_llm::executor::Executor that invents tokens. As strict about its callers as TensorRT-LLM: ids are
// counted without a lock, and every call after shutdown throws.
#include "model.h"
#include "script.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace scripted
{

std::atomic<int> executors{0};

int liveExecutors()
{
    return executors;
}

} // namespace scripted

namespace tensorrt_llm::executor
{

using namespace scripted;
using Clock = std::chrono::steady_clock;

char const* version() noexcept
{
    return "0.0.1-scripted";
}

class Executor::Impl
{
public:
    Impl(Script script, ExecutorConfig const& config)
        : mScript(std::move(script))
        , mMaxQueueSize(config.getMaxQueueSize())
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
            throw 42; // NOLINT
        }
        auto const id = ++mLastId;
        {
            std::lock_guard const lock(mMutex);
            requireRunning();
            if (mMaxQueueSize && mActive.size() >= static_cast<std::size_t>(*mMaxQueueSize))
            {
                throw std::runtime_error("[TensorRT-LLM][ERROR] Maximum queue size of "
                    + std::to_string(*mMaxQueueSize) + " has been reached, please try again later");
            }
            mActive.emplace(id, Active{request, kind, Clock::now()});
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
        auto const found = mActive.find(id);
        if (found == mActive.end())
        {
            throw std::runtime_error("A cancel of request " + std::to_string(id) + ", which is not active.");
        }
        found->second.cancelled = true;
        mWork.notify_all();
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
    struct Active
    {
        Request request;
        TokenIdType kind;
        Clock::time_point arrival;
        SizeType32 generated{0};
        VecLogProbs logProbs{};
        bool cancelled{false};
        Clock::time_point firstToken{};
    };

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
            step();
            mReady.notify_all();
            lock.unlock();
            std::this_thread::sleep_for(mScript.stepDelay);
            lock.lock();
        }
    }

    void step()
    {
        IterationStats stats{};
        stats.iter = mIteration++;
        stats.numActiveRequests = static_cast<SizeType32>(mActive.size());
        mStats.push_back(stats);
        for (auto entry = mActive.begin(); entry != mActive.end();)
        {
            entry = advance(entry->first, entry->second) ? std::next(entry) : mActive.erase(entry);
        }
    }

    Result result(Active const& active, VecTokens tokens)
    {
        Result value{};
        value.outputTokenIds = {std::move(tokens)};
        value.finishReasons = {FinishReason::kNOT_FINISHED};
        if (active.request.getOutputConfig().returnLogProbs)
        {
            value.logProbs = {active.logProbs};
        }
        return value;
    }

    void finish(IdType id, Result value, FinishReason reason, Active const& active)
    {
        value.isFinal = true;
        value.isSequenceFinal = true;
        value.finishReasons = {reason};
        RequestPerfMetrics metrics;
        metrics.timingMetrics.arrivalTime = active.arrival;
        metrics.timingMetrics.firstScheduledTime = active.arrival;
        metrics.timingMetrics.firstTokenTime = active.firstToken;
        metrics.timingMetrics.lastTokenTime = active.generated > 0 ? Clock::now() : Clock::time_point{};
        metrics.kvCacheMetrics = {4, 3, 1, 2, 0.25f};
        value.requestPerfMetrics = metrics;
        mResponses.emplace_back(id, std::move(value));
    }

    /// The next token of a request; its log-probability is minus its index.
    TokenIdType invent(Active& active)
    {
        if (active.generated++ == 0)
        {
            active.firstToken = Clock::now();
        }
        active.logProbs.push_back(-static_cast<float>(active.generated));
        return active.kind + active.generated;
    }

    /// False where the request has ended.
    bool advance(IdType id, Active& active)
    {
        if (active.cancelled && active.kind != kDEAF)
        {
            finish(id, result(active, {}), FinishReason::kCANCELLED, active);
            return false;
        }
        switch (active.kind)
        {
        case kEMPTY_FINAL:
        case kNO_REASON:
        {
            Result bare{};
            bare.isFinal = true;
            if (active.kind == kEMPTY_FINAL)
            {
                bare.finishReasons = {FinishReason::kTIMED_OUT};
            }
            mResponses.emplace_back(id, bare);
            return false;
        }
        case kERROR:
            mResponses.emplace_back(id, result(active, {invent(active)}));
            mResponses.emplace_back(id, std::string("Encountered an error in forwardAsync function: made up"));
            return false;
        case kODD_SHAPES: return oddShapes(id, active);
        case kTOKENS_IN_FINAL:
        {
            VecTokens tokens;
            while (active.generated < active.request.getMaxTokens())
            {
                tokens.push_back(invent(active));
            }
            finish(id, result(active, tokens), FinishReason::kLENGTH, active);
            return false;
        }
        case kTALKS_ON:
            finish(id, result(active, {invent(active)}), FinishReason::kEND_ID, active);
            mResponses.emplace_back(id, result(active, {invent(active)}));
            finish(id, result(active, {}), FinishReason::kLENGTH, active);
            mResponses.emplace_back(id, std::string("too late"));
            return false;
        case kSTRANGER:
            mResponses.emplace_back(id + 1'000'000, result(active, {1}));
            mResponses.emplace_back(id + 1'000'000, std::string("nobody asked"));
            break;
        case kPARAMETERS:
            finish(id, result(active, parameters(active.request)), FinishReason::kSTOP_WORDS, active);
            return false;
        default: break;
        }
        auto const endless = active.kind == kENDLESS || active.kind == kDEAF;
        auto value = result(active, {invent(active)});
        if (active.request.getOutputConfig().returnLogProbs)
        {
            value.logProbs = {active.logProbs};
        }
        if (!endless && active.generated == active.request.getMaxTokens())
        {
            finish(id, std::move(value), FinishReason::kLENGTH, active);
            return false;
        }
        mResponses.emplace_back(id, std::move(value));
        return true;
    }

    bool oddShapes(IdType id, Active& active)
    {
        Result value{};
        value.sequenceIndex = -7;
        mResponses.emplace_back(id, value); // no sequence
        value.outputTokenIds = {{}};
        value.logProbs = std::vector<VecLogProbs>{};
        mResponses.emplace_back(id, value); // an empty sequence
        value.outputTokenIds = {{1, 2, 3}, {4}};
        value.logProbs = std::vector<VecLogProbs>{{-0.5f}};
        mResponses.emplace_back(id, value); // fewer log-probs than tokens, and a second sequence
        value.isFinal = true;
        value.outputTokenIds = {};
        value.finishReasons = {FinishReason::kEND_ID};
        value.requestPerfMetrics = RequestPerfMetrics{};
        value.requestPerfMetrics->timingMetrics.arrivalTime = Clock::time_point(std::chrono::seconds(-5));
        value.requestPerfMetrics->timingMetrics.firstTokenTime = Clock::time_point::min();
        value.requestPerfMetrics->timingMetrics.lastTokenTime = active.arrival;
        value.requestPerfMetrics->kvCacheMetrics.numTotalAllocatedBlocks = -1;
        mResponses.emplace_back(id, value);
        return false;
    }

    /// What the request holds, as tokens: -1 where a value is absent, fractions in thousandths.
    static VecTokens parameters(Request const& request)
    {
        auto const milli = [](std::optional<float> const& value)
        { return value ? static_cast<TokenIdType>(*value * 1000.0f + (*value < 0.0f ? -0.5f : 0.5f)) : -1; };
        auto const sampling = request.getSamplingConfig();
        auto const output = request.getOutputConfig();
        VecTokens facts{request.getStreaming(), output.returnPerfMetrics, output.excludeInputFromOutput,
            output.returnLogProbs, sampling.getTopK().value_or(-1), milli(sampling.getTopP()),
            milli(sampling.getTemperature()), milli(sampling.getMinP()), milli(sampling.getRepetitionPenalty()),
            milli(sampling.getPresencePenalty()), milli(sampling.getFrequencyPenalty()),
            static_cast<TokenIdType>(sampling.getSeed().value_or(-1)), sampling.getMinTokens().value_or(-1),
            request.getEndId().value_or(-1), milli(request.getPriority()),
            request.getAllottedTimeMs() ? static_cast<TokenIdType>(request.getAllottedTimeMs()->count()) : -1};
        for (auto const& word : request.getStopWords().value_or(std::list<VecTokens>{}))
        {
            facts.push_back(static_cast<TokenIdType>(word.size()));
            facts.push_back(word.front());
        }
        return facts;
    }

    Script const mScript;
    std::optional<SizeType32> const mMaxQueueSize;
    IdType mLastId{0}; // unguarded on purpose
    std::mutex mMutex;
    std::condition_variable mWork;
    std::condition_variable mReady;
    std::map<IdType, Active> mActive;
    std::vector<Response> mResponses;
    std::deque<IterationStats> mStats;
    IterationType mIteration{0};
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
