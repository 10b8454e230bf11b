// In-flight batching: requests of any length join and leave between two steps. One step computes a token of
// every answer in progress, or checks several drafted ones, and, with what is left of maxNumTokens, chunks of waiting
// prompts. Not thread-safe:
// the executor's loop owns it.
#pragma once

#include "drafting/drafter.h"
#include "kv/kv_cache_manager.h"
#include "scheduler/active_request.h"

#include <functional>
#include <list>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

/// Which requests are let in, by the policy of TensorRT-LLM's CapacityScheduler:
/// - GUARANTEED_NO_EVICT: those for whose prompts and answers the pool can promise blocks beside all that runs;
/// - STATIC_BATCH: the same, but only while nothing runs;
/// - MAX_UTILIZATION: as many as maxBatchSize. What does not fit into the pool any more is paused from the end:
///   its blocks become reusable, and it goes on when there is room, computing again what is gone by then.
/// Requests are ordered by priority, then by arrival. A request of another beam width than those that run waits
/// until none of them runs, and all behind it with it.
class InflightBatcher
{
public:
    /// `events` and `drafter` must outlive this; null: nobody guesses.
    InflightBatcher(ModelRunner& runner, Limits const& limits, KvCacheEvents& events, Drafter* drafter = nullptr);

    /// False when slots, blocks or room for a LoRA adapter are missing. Throws std::exception where the adapter cannot
    /// be loaded.
    [[nodiscard]] bool tryAdmit(IncomingRequest const& incoming);

    /// Ends an active request between two steps; its KV is free afterwards. False for an unknown id.
    bool finish(IdType id, FinishReason reason, std::vector<Response>& responses);
    /// Ends requests whose allotted time is over.
    void finishTimedOut(Clock::time_point now, std::vector<Response>& responses);

    /// Called while a step is computed, with responses that need not wait for its end: none is a request's last.
    using EarlyResponses = std::function<void(std::vector<Response>&&)>;

    /// Computes one step and appends what came of it. A failing runner ends the requests in the step with an error.
    InflightBatchingStats step(
        IterationType iteration, std::vector<Response>& responses, EarlyResponses const& early = {});

    [[nodiscard]] SizeType32 activeRequests() const;
    /// Of the last step, but for draftOverhead; unset without a drafter.
    [[nodiscard]] std::optional<SpecDecodingStats> const& specDecodingStats() const;
    [[nodiscard]] KvCacheStats kvCacheStats() const;
    /// Of the active requests, and of those that have ended since the last call.
    [[nodiscard]] std::vector<RequestStats> takeRequestStats();

private:
    using Phase = ActiveSequence::Phase;
    using Active = std::list<ActiveRequest>;

    /// A sequence of a request.
    struct Member
    {
        ActiveRequest* request;
        ActiveSequence* sequence;
    };

    struct Scheduled
    {
        Member member;
        SizeType32 count;
    };

    // Capacity: who takes part in the step.
    [[nodiscard]] std::vector<Member> unfinished();
    [[nodiscard]] std::vector<Member> fitting();
    [[nodiscard]] SizeType32 blocksNeeded(Member const& member) const;
    [[nodiscard]] SizeType32 promisedBlocks() const;
    void pause(ActiveSequence& sequence);

    // Speculation: what is guessed before a step, and what came of it.
    [[nodiscard]] std::vector<Member> draft(std::vector<Member> members, std::vector<Response>& responses);
    [[nodiscard]] SizeType32 roomForDraft(Member const& member, SizeType32 tokens) const;
    void settleDraft(Member const& member, SizeType32 drafted, SizeType32 accepted, SizeType32 taken);

    // Tokens: how much of each.
    void scheduleGeneration(std::vector<Member> const& members);
    void scheduleContextInOrder(std::vector<Member> const& members);
    void scheduleContextEqually(std::vector<Member> const& members);
    [[nodiscard]] bool tryBegin(Member const& member);
    [[nodiscard]] bool prefixIsBeingComputed(Member const& member) const;
    [[nodiscard]] SizeType32 budget() const;
    void schedule(Member const& member, SizeType32 count);

    void compute(IterationType iteration, std::vector<Response>& responses, EarlyResponses const& early);
    void advance(Scheduled const& scheduled, float const* logits, IterationType iteration,
        std::vector<Response>& responses);
    void takeHeldTokens(IterationType iteration, std::vector<Response>& responses);
    void sweep(std::vector<Response>& responses);
    void fork(ActiveRequest& request);
    void takeBeam(Member const& member, float const* logits, IterationType iteration, std::vector<Response>& responses);
    void followBeams(ActiveRequest& request, std::vector<SizeType32> const& parents);
    void endBeams(ActiveRequest& request, FinishReason reason, std::vector<Response>& responses);
    static void noteToken(RequestPerfMetrics& metrics, IterationType iteration);
    void start(Member const& member, KvCacheManager::Start const& start, SequenceId id);
    void takeTokens(Member const& member, float const* logits, IterationType iteration,
        std::vector<Response>& responses);
    [[nodiscard]] std::optional<TokenIdType> chooseToken(Member const& member, float const* logits);
    [[nodiscard]] FinishReason append(
        Member const& member, TokenIdType token, float const* logits, SizeType32 index, SizeType32 atMost);
    void end(Member const& member, FinishReason reason, VecTokens lastTokens, std::vector<Response>& responses);
    void finish(ActiveRequest& request, FinishReason reason, std::vector<Response>& responses);
    void fail(std::string const& message, std::vector<Response>& responses);
    void fail(ActiveRequest& request, std::string const& message, bool keepKv, std::vector<Response>& responses);
    void leave(ActiveSequence& sequence, bool keepKv);

    ModelRunner& mRunner;
    Limits const mLimits;
    KvCacheManager mKvCache;
    LoraCache mLora;
    Drafter* const mDrafter;
    Active mActive; // highest priority first, then in order of admission
    bool mBatchIsOpen{true}; // STATIC_BATCH: no step since nothing ran
    SequenceId mLastSequence{0};
    SizeType32 mPausedInStep{0};
    SizeType32 mStepTokens{0};
    SizeType32 mSpareBlocks{0}; // free ones that no sequence in the step needs
    std::optional<SpecDecodingStats> mSpecDecodingStats;
    std::vector<RequestStats> mEnded;
    std::vector<SequenceStep> mStep;
    std::vector<Scheduled> mScheduled; // by index into mStep
};

} // namespace tensorrt_llm::executor::embedded
