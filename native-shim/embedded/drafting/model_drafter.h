#pragma once

#include "drafting/drafter.h"
#include "kv/kv_cache_manager.h"

#include <memory>
#include <unordered_map>

namespace tensorrt_llm::executor::embedded
{

/// A smaller model guesses: its likeliest tokens, one after the other. Its KV lies in a pool of its own that holds a
/// whole sequence for every place of the batch, and is reused between requests as the model's own. In a step it
/// computes maxNumTokens of what it has not seen yet at most; for a sequence that it has not caught up with it
/// guesses nothing.
class ModelDrafter : public Drafter
{
public:
    /// limits: of the model that checks the guesses, whose vocabulary is the same and whose runner is `checking`.
    ModelDrafter(std::shared_ptr<Model> model, Limits const& limits, ModelRunner const& checking);

    void draft(std::vector<DraftRequest> const& requests) override;
    void end(SequenceId sequence, VecTokens const& tokens) override;

private:
    /// Parts of one forward pass, and for whom each is.
    struct Step
    {
        std::vector<SequenceStep> parts;
        std::vector<DraftRequest const*> requests;
    };

    [[nodiscard]] Step catchUp(std::vector<DraftRequest> const& requests);
    [[nodiscard]] Step continueDrafts(Step const& last);
    void compute(Step const& step);
    [[nodiscard]] VecTokens& follow(DraftRequest const& request);
    void keepCommon(SequenceId sequence, VecTokens& stored, VecTokens const& tokens);
    void clear();

    std::shared_ptr<Model> const mModel;
    Limits const mLimits;
    std::unique_ptr<ModelRunner> const mRunner;
    KvCacheEvents mEvents;
    KvCacheManager mKvCache;
    std::unordered_map<SequenceId, VecTokens> mStored; // tokens whose KV is there, also guessed ones
};

} // namespace tensorrt_llm::executor::embedded
