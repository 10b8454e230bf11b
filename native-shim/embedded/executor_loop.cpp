#include "executor_loop.h"

#include "drafting/model_drafter.h"
#include "drafting/ngram_drafter.h"
#include "memory_usage.h"
#include "sampling/vocabulary_check.h"
#include "timestamp.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <string>

namespace tensorrt_llm::executor::embedded
{

namespace
{

/// How late an arrival or a time-out may be noticed while nothing but grammars is worked on.
constexpr std::chrono::milliseconds kStallCheck{10};

double milliseconds(Clock::duration duration)
{
    return std::chrono::duration<double, std::milli>(duration).count();
}

/// A request that ends before it ever had a slot.
Response endedInQueue(IncomingRequest const& incoming, FinishReason reason)
{
    Result result{};
    result.isFinal = true;
    result.isSequenceFinal = true;
    result.outputTokenIds = {VecTokens{}};
    result.finishReasons = {reason};
    if (incoming.request.getOutputConfig().returnPerfMetrics)
    {
        result.requestPerfMetrics.emplace();
        result.requestPerfMetrics->timingMetrics.arrivalTime = incoming.arrival;
    }
    return {incoming.id, std::move(result)};
}

std::string whyNoBeams(Request const& request, Limits const& limits)
{
    auto const width = request.getSamplingConfig().getBeamWidth();
    if (width > limits.maxBeamWidth)
    {
        return "beamWidth is " + std::to_string(width) + "; the executor was made for maxBeamWidth "
            + std::to_string(limits.maxBeamWidth);
    }
    if (width > 1 && request.getStreaming())
    {
        return "beam search may change what was streamed: it needs a request that does not stream";
    }
    if (width > 1 && request.getOutputConfig().returnGenerationLogits)
    {
        return "generation logits are not kept in beam search";
    }
    return {};
}

std::unique_ptr<Drafter> createDrafter(Limits const& limits, ModelRunner const& runner)
{
    if (!limits.speculation)
    {
        return nullptr;
    }
    if (limits.speculation->draftModel)
    {
        return std::make_unique<ModelDrafter>(limits.speculation->draftModel, limits, runner);
    }
    return std::make_unique<NgramDrafter>(limits.speculation->maxMatchingNgramSize);
}

/// Why the request can never run; empty where it can.
std::string whyNot(Request const& request, Limits const& limits, SizeType32 vocabularySize)
{
    if (auto reason = outsideVocabulary(request, vocabularySize); !reason.empty())
    {
        return reason;
    }
    if (request.getOutputConfig().returnGenerationLogits && !limits.gatherGenerationLogits)
    {
        return "generation logits need gatherGenerationLogits in the executor's configuration";
    }
    if (auto reason = whyNoBeams(request, limits); !reason.empty())
    {
        return reason;
    }
    auto const tokens = static_cast<std::int64_t>(request.getInputTokenIds().size()) + request.getMaxTokens();
    if (tokens > limits.maxSequenceTokens)
    {
        return "prompt and maxTokens are " + std::to_string(tokens) + " tokens; a sequence holds "
            + std::to_string(limits.maxSequenceTokens);
    }
    if (numSequences(request) > limits.maxBatchSize)
    {
        return std::to_string(numSequences(request)) + " beams or sequences are asked for; a batch holds "
            + std::to_string(limits.maxBatchSize) + " sequences (maxBatchSize)";
    }
    auto const blocks = blocksToCompletion(request, limits.tokensPerBlock);
    return blocks <= limits.kvBlocks ? ""
                                     : "prompt and answers may need " + std::to_string(blocks)
            + " KV blocks; the KV cache holds " + std::to_string(limits.kvBlocks);
}

} // namespace

ExecutorLoop::ExecutorLoop(std::shared_ptr<Model> model, ExecutorConfig const& config)
    : mLimits(resolveLimits(model->limits(), config))
    , mMaxStats(config.getIterStatsMaxIterations())
    , mMaxRequestStats(config.getRequestStatsMaxIterations())
    , mGuidedDecodingConfig(config.getGuidedDecodingConfig())
    , mModel(std::move(model))
    , mRunner(mModel->createRunner(mLimits))
    , mEvents(std::make_shared<KvCacheEvents>(mLimits.eventBufferMaxSize, mLimits.maxSequenceTokens))
    , mDrafter(createDrafter(mLimits, *mRunner))
    , mBatcher(*mRunner, mLimits, *mEvents, mDrafter.get())
    , mThread([this] { run(); })
{
}

ExecutorLoop::~ExecutorLoop()
{
    shutdown();
}

IdType ExecutorLoop::enqueue(Request const& request)
{
    std::lock_guard lock(mWorkMutex);
    if (mStopping)
    {
        throw std::runtime_error("Executor has been shut down: no request can be enqueued");
    }
    if (static_cast<SizeType32>(mQueue.size()) >= mLimits.maxQueueSize)
    {
        // TensorRT-LLM's own words, by which callers know the case.
        throw std::runtime_error("Maximum queue size of " + std::to_string(mLimits.maxQueueSize)
            + " has been reached, please try again later");
    }
    auto const id = ++mLastId;
    auto reason = whyNot(request, mLimits, mRunner->vocabularySize());
    if (request.getGuidedDecodingParams() && !mGuidedDecodingConfig)
    {
        reason = "guided decoding is not enabled: the executor was created without a GuidedDecodingConfig";
    }
    if (request.getGuidedDecodingParams() && request.getSamplingConfig().getBeamWidth() > 1)
    {
        reason = "guided decoding is not possible with beam search";
    }
    if (!reason.empty())
    {
        std::vector<Response> refusal;
        refusal.emplace_back(id, "Encountered an error when fetching new request: " + reason);
        deliver(refusal);
        return id;
    }
    mQueue.emplace(
        QueueKey{-request.getPriority(), id}, IncomingRequest{id, request, Clock::now(), beginGuided(request)});
    mWork.notify_one();
    return id;
}

std::vector<std::shared_ptr<GuidedSequence>> ExecutorLoop::beginGuided(Request const& request)
{
    std::vector<std::shared_ptr<GuidedSequence>> sequences;
    auto const params = request.getGuidedDecodingParams();
    if (!params)
    {
        return sequences;
    }
    if (mGuidedDecoder == nullptr)
    {
        mGuidedDecoder = std::make_unique<GuidedDecoder>(*mGuidedDecodingConfig, mRunner->vocabularySize(),
            [this]
            {
                std::lock_guard lock(mWorkMutex);
                mGrammarAdvanced = true;
                mWork.notify_one();
            });
    }
    for (SizeType32 index = 0; index < numSequences(request); ++index)
    {
        sequences.push_back(mGuidedDecoder->begin(*params));
    }
    return sequences;
}

void ExecutorLoop::cancel(IdType id)
{
    std::lock_guard lock(mWorkMutex);
    mCancelled.insert(id);
    mWork.notify_one();
}

std::vector<Response> ExecutorLoop::awaitResponses(std::optional<std::chrono::milliseconds> const& timeout)
{
    std::unique_lock lock(mResponsesMutex);
    auto const ready = [this] { return !mResponses.empty() || mStopped; };
    if (timeout)
    {
        mResponsesReady.wait_for(lock, *timeout, ready);
    }
    else
    {
        mResponsesReady.wait(lock, ready);
    }
    return std::exchange(mResponses, {});
}

void ExecutorLoop::shutdown()
{
    {
        std::lock_guard lock(mWorkMutex);
        mStopping = true;
        mWork.notify_one();
    }
    std::lock_guard lock(mJoinMutex);
    if (mThread.joinable())
    {
        mThread.join();
    }
}

std::shared_ptr<KvCacheEvents> const& ExecutorLoop::kvCacheEvents() const
{
    return mEvents;
}

std::deque<IterationStats> ExecutorLoop::takeIterationStats()
{
    std::lock_guard lock(mStatsMutex);
    return std::exchange(mStats, {});
}

void ExecutorLoop::run()
{
    IterationType iteration = 0;
    bool stalled = false; // every active request waits for its grammar
    std::vector<Response> responses;
    while (true)
    {
        {
            std::unique_lock lock(mWorkMutex);
            if (stalled)
            {
                mWork.wait_for(lock, kStallCheck, [this] { return mGrammarAdvanced || !mCancelled.empty(); });
            }
            mGrammarAdvanced = false;
            mWork.wait(lock,
                [this]
                { return mStopping || !mQueue.empty() || !mCancelled.empty() || mBatcher.activeRequests() > 0; });
            if (mStopping && mQueue.empty() && mBatcher.activeRequests() == 0)
            {
                break;
            }
        }

        auto const begin = Clock::now();
        auto const before = mBatcher.activeRequests();
        auto const arrivals = admit(responses);
        auto const active = mBatcher.activeRequests();
        auto const inflight = mBatcher.step(
            iteration, responses, [this](std::vector<Response>&& early) { deliver(early); });
        auto const completed = before + arrivals.admitted - mBatcher.activeRequests();
        stalled = inflight.numScheduledRequests == 0 && completed == 0 && mBatcher.activeRequests() > 0;

        if (mMaxStats > 0 && (inflight.numScheduledRequests > 0 || completed > 0))
        {
            IterationStats stats{};
            stats.timestamp = timestampNow();
            stats.iter = iteration;
            stats.iterLatencyMS = milliseconds(Clock::now() - begin);
            stats.newActiveRequestsQueueLatencyMS = arrivals.queueLatencyMs;
            stats.numNewActiveRequests = arrivals.admitted;
            stats.numActiveRequests = active;
            stats.numQueuedRequests = arrivals.queued;
            stats.numCompletedRequests = completed;
            stats.maxNumActiveRequests = mLimits.maxBatchSize;
            stats.maxBatchSizeStatic = stats.maxBatchSizeRuntime = mLimits.maxBatchSize;
            stats.maxNumTokensStatic = stats.maxNumTokensRuntime = mLimits.maxNumTokens;
            stats.cpuMemUsage = residentBytes();
            stats.kvCacheStats = mBatcher.kvCacheStats();
            stats.inflightBatchingStats = inflight;
            stats.specDecodingStats = mBatcher.specDecodingStats();
            if (stats.specDecodingStats)
            {
                stats.specDecodingStats->draftOverhead = stats.specDecodingStats->iterLatencyMS / stats.iterLatencyMS;
            }
            record(std::move(stats));
        }
        recordRequests(iteration);
        mEvents->flush();
        deliver(responses); // last: who sees an end finds it in the statistics
        ++iteration;
    }
    mEvents->close();
    std::lock_guard lock(mResponsesMutex);
    mStopped = true;
    mResponsesReady.notify_all();
}

std::deque<RequestStatsPerIteration> ExecutorLoop::takeRequestStats()
{
    std::lock_guard lock(mStatsMutex);
    return std::exchange(mRequestStats, {});
}

void ExecutorLoop::recordRequests(IterationType iteration)
{
    auto requests = mBatcher.takeRequestStats();
    if (mMaxRequestStats == 0)
    {
        return;
    }
    {
        std::lock_guard lock(mWorkMutex);
        for (auto const& queued : mQueue)
        {
            RequestStats stats{};
            stats.id = queued.second.id;
            stats.stage = RequestStage::kQUEUED;
            requests.push_back(stats);
        }
    }
    if (requests.empty())
    {
        return;
    }
    std::lock_guard lock(mStatsMutex);
    mRequestStats.push_back({iteration, std::move(requests)});
    while (static_cast<SizeType32>(mRequestStats.size()) > mMaxRequestStats)
    {
        mRequestStats.pop_front();
    }
}

ExecutorLoop::Arrivals ExecutorLoop::admit(std::vector<Response>& responses)
{
    Arrivals arrivals;
    std::unique_lock lock(mWorkMutex);
    auto const now = Clock::now();

    // First what ends: its slots and blocks are free for what comes.
    for (auto const id : std::exchange(mCancelled, {}))
    {
        if (mBatcher.finish(id, FinishReason::kCANCELLED, responses))
        {
            continue;
        }
        for (auto queued = mQueue.begin(); queued != mQueue.end(); ++queued)
        {
            if (queued->first.second == id)
            {
                responses.push_back(endedInQueue(queued->second, FinishReason::kCANCELLED));
                mQueue.erase(queued);
                break;
            }
        }
    }
    mBatcher.finishTimedOut(now, responses);
    for (auto queued = mQueue.begin(); queued != mQueue.end();)
    {
        auto const allotted = queued->second.request.getAllottedTimeMs();
        bool const late = allotted && now - queued->second.arrival >= *allotted;
        if (late)
        {
            responses.push_back(endedInQueue(queued->second, FinishReason::kTIMED_OUT));
        }
        queued = late ? mQueue.erase(queued) : std::next(queued);
    }

    while (!mQueue.empty())
    {
        auto first = mQueue.extract(mQueue.begin());
        auto const& incoming = first.mapped();
        lock.unlock(); // loading a LoRA adapter may take its time
        bool admitted = false;
        try
        {
            admitted = mBatcher.tryAdmit(incoming);
        }
        catch (std::exception const& error)
        {
            responses.emplace_back(incoming.id, error.what());
            lock.lock();
            continue;
        }
        lock.lock();
        if (!admitted)
        {
            mQueue.insert(std::move(first));
            break;
        }
        ++arrivals.admitted;
        arrivals.queueLatencyMs += milliseconds(now - incoming.arrival);
    }
    arrivals.queued = static_cast<SizeType32>(mQueue.size());
    return arrivals;
}

void ExecutorLoop::deliver(std::vector<Response>& responses)
{
    if (responses.empty())
    {
        return;
    }
    std::lock_guard lock(mResponsesMutex);
    mResponses.insert(
        mResponses.end(), std::make_move_iterator(responses.begin()), std::make_move_iterator(responses.end()));
    responses.clear();
    mResponsesReady.notify_all();
}

void ExecutorLoop::record(IterationStats&& stats)
{
    std::lock_guard lock(mStatsMutex);
    mStats.push_back(std::move(stats));
    while (static_cast<SizeType32>(mStats.size()) > mMaxStats)
    {
        mStats.pop_front();
    }
}

} // namespace tensorrt_llm::executor::embedded
