// In-flight batching: requests of any length join and leave between two steps. One step computes a token
// of every answer in progress and, with what is left of maxNumTokens, chunks of waiting prompts in order
// of arrival. A request is let in when a slot is free and the pool can promise blocks for its whole
// prompt and answer (GUARANTEED_NO_EVICT). Not thread-safe: the executor's loop owns it.
#pragma once

#include "kv/kv_cache_manager.h"
#include "model.h"
#include "sampling/sampler.h"

#include <list>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

using Clock = std::chrono::steady_clock;

struct IncomingRequest
{
    IdType id;
    Request request;
    Clock::time_point arrival;
};

class InflightBatcher
{
public:
    InflightBatcher(ModelRunner& runner, Limits const& limits);

    /// False when a slot or blocks are missing.
    [[nodiscard]] bool tryAdmit(IncomingRequest const& incoming);

    /// Ends an active request between two steps; its KV is free afterwards. False for an unknown id.
    bool finish(IdType id, FinishReason reason, std::vector<Response>& responses);
    /// Ends requests whose allotted time is over.
    void finishTimedOut(Clock::time_point now, std::vector<Response>& responses);

    /// Computes one step and appends what came of it. A failing runner ends the requests in the step with an error.
    InflightBatchingStats step(IterationType iteration, std::vector<Response>& responses);

    [[nodiscard]] SizeType32 activeRequests() const;
    [[nodiscard]] KvCacheStats kvCacheStats() const;

private:
    struct ActiveRequest
    {
        ActiveRequest(IncomingRequest const& incoming, Slot atSlot);

        IdType id;
        VecTokens prompt;
        SizeType32 maxTokens;
        bool streaming;
        OutputConfig output;
        std::optional<TokenIdType> endId;
        std::list<VecTokens> stopWords;
        std::optional<MillisecondsType> allottedTime;
        Slot slot;
        Sampler sampler;
        bool bound{false};          // the prompt's stored beginning has been looked up
        SizeType32 computed{0};     // tokens of the prompt whose KV is stored
        VecTokens generated;
        VecLogProbs logProbs;
        float cumLogProb{0};
        RequestPerfMetrics metrics;

        [[nodiscard]] bool generating() const;
    };
    using Active = std::list<ActiveRequest>;

    struct Scheduled
    {
        Active::iterator request;
        SizeType32 firstToken; // index into mStep
        SizeType32 count;
    };

    void scheduleGeneration();
    void scheduleContext();
    [[nodiscard]] bool prefixIsBeingComputed(Active::const_iterator request, SizeType32 stored) const;
    void bind(ActiveRequest& request, KvCacheManager::Prefix const& prefix);
    void schedule(Active::iterator request, TokenIdType const* tokens, SizeType32 count, bool wantLogits);
    void takeToken(Scheduled const& scheduled, IterationType iteration, std::vector<Response>& responses);
    void end(Active::iterator request, FinishReason reason, VecTokens lastTokens, std::vector<Response>& responses);
    [[nodiscard]] static Response makeResponse(
        ActiveRequest const& request, VecTokens tokens, FinishReason reason, bool isFinal);

    ModelRunner& mRunner;
    Limits mLimits;
    KvCacheManager mKvCache;
    Active mActive; // in order of admission
    std::vector<StepToken> mStep;
    std::vector<Scheduled> mScheduled;
};

} // namespace tensorrt_llm::executor::embedded
