// What the batcher knows of a request that it runs.
#pragma once

#include "drafting/draft_length.h"
#include "guided/guided_decoder.h"
#include "kv/block.h"
#include "sampling/sampler.h"
#include "scheduler/beam_group.h"
#include "scheduler/lora_cache.h"

#include <list>
#include <string>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

using Clock = std::chrono::steady_clock;

struct IncomingRequest
{
    IdType id;
    Request request;
    Clock::time_point arrival;
    std::vector<std::shared_ptr<GuidedSequence>> guided{}; // one for each sequence; none where any text will do
};

/// One answer to the prompt of a request.
struct ActiveSequence
{
    enum class Phase
    {
        kWAITING,    // has no KV: not begun, or paused
        kCONTEXT,    // computing the tokens there are
        kGENERATION, // one token a step
        kFINISHED
    };

    ActiveSequence(SizeType32 sequenceIndex, IncomingRequest const& incoming);

    [[nodiscard]] SizeType32 length() const;
    [[nodiscard]] SizeType32 generated(SizeType32 promptLength) const;
    [[nodiscard]] SizeType32 drafted() const;
    [[nodiscard]] bool hasKv() const;

    SizeType32 index;
    SequenceId id{0}; // while it has KV
    Phase phase{Phase::kWAITING};
    VecTokens tokens;       // prompt and answer
    SizeType32 computed{0}; // of them, with KV
    VecTokens proposal;     // in a step that checks a draft: the last token, then the draft
    DraftLength draftLength;
    SizeType32 decodingIterations{0}; // steps that gave it tokens
    Sampler sampler;
    std::shared_ptr<GuidedSequence> guided; // null where any text will do
    std::vector<float> heldLogits;          // for the next token, where its mask was not ready
    VecLogProbs logProbs;
    float cumLogProb{0};
    std::optional<Tensor> generationLogits; // of its next response
    bool isPaused{false};
    bool isScheduled{false}; // in the last step
};

struct ActiveRequest
{
    ActiveRequest(IncomingRequest const& incoming, LoraCache::Adapter lora);

    [[nodiscard]] bool isFinished() const;
    /// Until the prompt is computed once, the first sequence stands for all.
    [[nodiscard]] bool isForked() const;
    [[nodiscard]] SizeType32 unfinishedSequences() const;
    /// Whether logits of the prompt are still wanted.
    [[nodiscard]] bool gathersContext() const;
    /// Keeps the logits of a token of the prompt, which come in order.
    void gatherContext(float const* logits, SizeType32 vocabularySize);

    IdType id;
    SizeType32 promptLength;
    SizeType32 maxTokens;
    SizeType32 numSequences; // or beams
    bool streaming;
    PriorityType priority;
    OutputConfig output;
    std::optional<TokenIdType> endId;
    std::list<VecTokens> stopWords;
    std::optional<MillisecondsType> allottedTime;
    ReuseDomain domain;
    LoraCache::Adapter lora; // null: none
    KvCacheRetentionConfig retention;
    std::vector<ActiveSequence> sequences; // numSequences of them once forked, one before
    std::optional<BeamGroup> beams;      // where they search; sequence i is then beam i
    std::optional<Tensor> contextLogits; // until a response takes them
    SizeType32 contextRows{0};           // tokens of the prompt whose logits are in them
    IncomingRequest incoming;
    std::string failure; // why it ends after this step; empty where it goes on
    RequestPerfMetrics metrics;
};

[[nodiscard]] RequestStats statsOf(ActiveRequest const& request);

/// KV blocks that `request` takes at most: the prompt's full blocks are shared by its sequences.
[[nodiscard]] SizeType32 blocksToCompletion(Request const& request, SizeType32 tokensPerBlock);
[[nodiscard]] SizeType32 numSequences(Request const& request);

/// Keeps the logits from which the sequence's last token was chosen for its next response, of which it is token
/// `index` of `atMost`.
void gatherGeneration(ActiveRequest const& request, ActiveSequence& sequence, float const* logits,
    SizeType32 vocabularySize, SizeType32 index, SizeType32 atMost);

/// The one response of a beam search, whose request has ended.
[[nodiscard]] Response makeBeamResponse(ActiveRequest& request, FinishReason reason);

/// Of a sequence that got `tokens`; takes the gathered logits. `reason` kNOT_FINISHED: more will come.
[[nodiscard]] Response makeResponse(
    ActiveRequest& request, ActiveSequence& sequence, VecTokens tokens, FinishReason reason);

} // namespace tensorrt_llm::executor::embedded
