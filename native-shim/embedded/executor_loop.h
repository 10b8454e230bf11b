// The thread that runs the model, and the queues between it and the callers of Executor.
#pragma once

#include "drafting/drafter.h"
#include "guided/guided_decoder.h"
#include "scheduler/inflight_batcher.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

/// Every method may be called from any thread.
class ExecutorLoop
{
public:
    ExecutorLoop(std::shared_ptr<Model> model, ExecutorConfig const& config);
    ~ExecutorLoop();
    ExecutorLoop(ExecutorLoop const&) = delete;
    ExecutorLoop& operator=(ExecutorLoop const&) = delete;

    IdType enqueue(Request const& request);
    std::vector<Response> awaitResponses(std::optional<std::chrono::milliseconds> const& timeout);
    void cancel(IdType id);
    void shutdown();
    std::deque<IterationStats> takeIterationStats();
    std::deque<RequestStatsPerIteration> takeRequestStats();
    /// Outlives the loop where somebody waits for events.
    [[nodiscard]] std::shared_ptr<KvCacheEvents> const& kvCacheEvents() const;

private:
    /// Highest priority first, then first come.
    using QueueKey = std::pair<PriorityType, IdType>;

    struct Arrivals
    {
        SizeType32 admitted{0};
        SizeType32 queued{0};
        double queueLatencyMs{0};
    };

    void run();
    /// Empty where the request is not guided.
    std::vector<std::shared_ptr<GuidedSequence>> beginGuided(Request const& request);
    [[nodiscard]] Arrivals admit(std::vector<Response>& responses);
    void deliver(std::vector<Response>& responses);
    void record(IterationStats&& stats);
    void recordRequests(IterationType iteration);

    Limits mLimits;
    SizeType32 mMaxStats;
    SizeType32 mMaxRequestStats;
    std::optional<GuidedDecodingConfig> mGuidedDecodingConfig;
    std::shared_ptr<Model> mModel;
    std::unique_ptr<ModelRunner> mRunner;
    std::shared_ptr<KvCacheEvents> mEvents;
    std::unique_ptr<Drafter> mDrafter; // null where nobody guesses
    InflightBatcher mBatcher; // touched by the loop's thread only

    std::mutex mWorkMutex;
    std::condition_variable mWork;
    std::map<QueueKey, IncomingRequest> mQueue;
    std::set<IdType> mCancelled;
    IdType mLastId{0};
    bool mStopping{false};
    bool mGrammarAdvanced{false};
    std::unique_ptr<GuidedDecoder> mGuidedDecoder; // made with the first guided request

    std::mutex mResponsesMutex;
    std::condition_variable mResponsesReady;
    std::vector<Response> mResponses;
    bool mStopped{false};

    std::mutex mStatsMutex;
    std::deque<IterationStats> mStats;
    std::deque<RequestStatsPerIteration> mRequestStats;

    std::mutex mJoinMutex;
    std::thread mThread; // last: everything above exists when it starts
};

} // namespace tensorrt_llm::executor::embedded
