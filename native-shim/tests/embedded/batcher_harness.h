// The in-flight batcher on the hash model, with what each request got so far.
#pragma once

#include "check.h"
#include "hash_drafter.h"
#include "drafting/model_drafter.h"
#include "hash_model.h"
#include "scheduler/inflight_batcher.h"

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace batcher_harness
{

using namespace hash_model;
using embedded::Clock;
using embedded::IncomingRequest;
using embedded::InflightBatcher;

struct Setup
{
    SizeType32 maxBatchSize{4};
    SizeType32 maxNumTokens{16};
    SizeType32 maxSequenceTokens{64};
    SizeType32 tokensPerBlock{4};
    SizeType32 kvBlocks{64};
    SizeType32 hostKvBlocks{0};
    bool enableBlockReuse{true};
    bool inSlots{false}; // which of the two runners
    SizeType32 maxDraftLen{0}; // 0: nobody guesses
    int percentRight{80};      // of the guesses
    bool draftModel{false};    // a model guesses
    std::optional<SizeType32> maxConcurrency;
    CapacitySchedulerPolicy policy{CapacitySchedulerPolicy::kGUARANTEED_NO_EVICT};
    ContextChunkingPolicy chunking{ContextChunkingPolicy::kFIRST_COME_FIRST_SERVED};

    [[nodiscard]] Limits limits() const
    {
        Limits limits;
        limits.maxBatchSize = maxBatchSize;
        limits.maxNumTokens = maxNumTokens;
        limits.maxSequenceTokens = maxSequenceTokens;
        limits.tokensPerBlock = tokensPerBlock;
        limits.kvBlocks = kvBlocks;
        limits.hostKvBlocks = hostKvBlocks;
        limits.enableBlockReuse = enableBlockReuse;
        limits.capacityPolicy = policy;
        limits.chunkingPolicy = chunking;
        if (maxDraftLen > 0)
        {
            limits.speculation = embedded::Speculation{maxDraftLen, 0, nullptr, maxConcurrency};
        }
        return limits;
    }
};

struct Answer
{
    VecTokens tokens;
    std::map<SizeType32, VecTokens> others; // of sequences after the first
    int finals{0};
    int sequenceFinals{0};
    FinishReason reason{FinishReason::kNOT_FINISHED};
    bool failed{false};
    std::optional<RequestPerfMetrics> metrics;
};

class Harness
{
public:
    explicit Harness(Setup const& setup)
        : mEvents(0, setup.maxSequenceTokens)
        , mRunner(makeRunner(setup))
        , drafter(setup.percentRight)
        , modelDrafter(makeModelDrafter(setup))
        , batcher(*mRunner, setup.limits(), mEvents,
              setup.maxDraftLen == 0 ? nullptr
                  : setup.draftModel ? static_cast<embedded::Drafter*>(modelDrafter.get())
                                     : &drafter)
    {
    }

    bool admit(IdType id, VecTokens const& prompt, SizeType32 maxTokens, std::optional<SizeType32> endId = {})
    {
        OutputConfig output;
        output.returnPerfMetrics = true;
        Request request(prompt, maxTokens, true, SamplingConfig(), output, endId);
        return batcher.tryAdmit({id, request, Clock::now()});
    }

    bool admit(IdType id, Request const& request)
    {
        return batcher.tryAdmit({id, request, Clock::now()});
    }

    InflightBatchingStats step()
    {
        std::vector<Response> responses;
        auto const stats = batcher.step(mIteration++, responses);
        take(responses);
        checkAccounting();
        return stats;
    }

    /// A step's own, for what Answer does not keep.
    std::vector<Response> responses()
    {
        std::vector<Response> all;
        static_cast<void>(batcher.step(mIteration++, all));
        return all;
    }

    bool cancel(IdType id)
    {
        std::vector<Response> responses;
        bool const known = batcher.finish(id, FinishReason::kCANCELLED, responses);
        take(responses);
        checkAccounting();
        return known;
    }

    void runToEnd()
    {
        while (batcher.activeRequests() > 0)
        {
            step();
        }
    }

private:
    void take(std::vector<Response> const& responses)
    {
        for (auto const& response : responses)
        {
            auto& answer = answers[response.getRequestId()];
            CHECK_EQ(answer.finals, 0);
            if (response.hasError())
            {
                answer.failed = true;
                ++answer.finals;
                continue;
            }
            auto const& result = response.getResult();
            auto const& tokens = result.outputTokenIds.at(0);
            auto& sequence = result.sequenceIndex == 0 ? answer.tokens : answer.others[result.sequenceIndex];
            sequence.insert(sequence.end(), tokens.begin(), tokens.end());
            answer.sequenceFinals += result.isSequenceFinal ? 1 : 0;
            if (result.isFinal)
            {
                ++answer.finals;
                answer.reason = result.finishReasons.at(0);
                answer.metrics = result.requestPerfMetrics;
            }
        }
    }

    void checkAccounting()
    {
        auto const stats = batcher.kvCacheStats();
        CHECK(stats.usedNumBlocks >= 0 && stats.usedNumBlocks <= stats.maxNumBlocks);
        CHECK_EQ(stats.freeNumBlocks + stats.usedNumBlocks, stats.maxNumBlocks);
        CHECK(stats.allocNewBlocks <= stats.allocTotalBlocks);
        if (batcher.activeRequests() == 0)
        {
            CHECK_EQ(stats.usedNumBlocks, 0);
        }
    }

    [[nodiscard]] std::unique_ptr<HashRunner> makeRunner(Setup const& setup) const
    {
        if (setup.inSlots)
        {
            return std::make_unique<SlotHashRunner>(setup.limits(), observations);
        }
        return std::make_unique<PagedHashRunner>(setup.limits(), observations);
    }

    [[nodiscard]] std::unique_ptr<embedded::ModelDrafter> makeModelDrafter(Setup const& setup) const
    {
        if (!setup.draftModel)
        {
            return nullptr;
        }
        auto const model = std::make_shared<HashModel>(
            setup.maxSequenceTokens, setup.tokensPerBlock, setup.inSlots, draftObservations);
        draftObservations->percentRight = setup.percentRight;
        return std::make_unique<embedded::ModelDrafter>(model, setup.limits(), *mRunner);
    }

    IterationType mIteration{0};

public:
    std::shared_ptr<Observations> const observations = std::make_shared<Observations>();

private:
    embedded::KvCacheEvents mEvents;
    std::unique_ptr<HashRunner> mRunner;

public:
    std::shared_ptr<Observations> const draftObservations = std::make_shared<Observations>();
    HashDrafter drafter;
    std::unique_ptr<embedded::ModelDrafter> modelDrafter;
    InflightBatcher batcher;
    std::map<IdType, Answer> answers;
};

inline VecTokens count(SizeType32 length, TokenIdType first = 0)
{
    VecTokens tokens(static_cast<std::size_t>(length));
    for (SizeType32 i = 0; i < length; ++i)
    {
        tokens[static_cast<std::size_t>(i)] = (first + i) % kVocabularySize;
    }
    return tokens;
}

} // namespace batcher_harness
