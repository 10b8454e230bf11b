#include "drafting/model_drafter.h"

#include "scan.h"

#include <algorithm>

namespace tensorrt_llm::executor::embedded
{

namespace
{

using Clock = std::chrono::steady_clock;

Limits draftLimits(Model const& model, Limits const& checking, ModelRunner const& runner)
{
    auto const engine = model.limits();
    Limits limits{};
    limits.maxBatchSize = checking.maxBatchSize;
    limits.maxNumTokens = checking.maxNumTokens;
    limits.maxSequenceTokens = checking.maxSequenceTokens;
    limits.tokensPerBlock = engine.tokensPerBlock.value_or(checking.tokensPerBlock);
    limits.kvBlocks
        = limits.maxBatchSize * ((limits.maxSequenceTokens + limits.tokensPerBlock - 1) / limits.tokensPerBlock);
    limits.enableBlockReuse = checking.enableBlockReuse;
    limits.leastPartialReuseTokens = engine.leastPartialReuseTokens;
    limits.takesTurnsWith = &runner;
    return limits;
}

} // namespace

ModelDrafter::ModelDrafter(std::shared_ptr<Model> model, Limits const& limits, ModelRunner const& checking)
    : mModel(std::move(model))
    , mLimits(draftLimits(*mModel, limits, checking))
    , mRunner(mModel->createRunner(mLimits))
    , mEvents(0, mLimits.maxSequenceTokens)
    , mKvCache(mLimits, *mRunner, mEvents)
{
}

void ModelDrafter::draft(std::vector<DraftRequest> const& requests)
{
    mKvCache.refresh(Clock::now());
    try
    {
        for (auto step = catchUp(requests); !step.parts.empty(); step = continueDrafts(step))
        {
            compute(step);
        }
    }
    catch (...)
    {
        clear(); // what is stored is not known any more
        throw;
    }
}

/// What has become of each sequence since the last draft, up to its last token.
ModelDrafter::Step ModelDrafter::catchUp(std::vector<DraftRequest> const& requests)
{
    Step step;
    auto budget = mLimits.maxNumTokens;
    for (auto const& request : requests)
    {
        auto const position = static_cast<SizeType32>(follow(request).size());
        auto const missing = static_cast<SizeType32>(request.tokens.size()) - position;
        auto const count = std::min(missing, budget);
        if (count > 0)
        {
            budget -= count;
            mKvCache.reserve(request.sequence, position + count);
            step.parts.push_back({request.sequence, mKvCache.blocks(request.sequence), &request.tokens[position], count,
                position, count == missing ? 1 : 0});
            step.requests.push_back(&request);
        }
    }
    return step;
}

/// The next token of each draft that is not as long as it may be.
ModelDrafter::Step ModelDrafter::continueDrafts(Step const& last)
{
    Step step;
    for (std::size_t index = 0; index < last.parts.size(); ++index)
    {
        auto const& [sequence, blocks, tokens, count, position, wantedLogits] = last.parts[index];
        auto const& request = *last.requests[index];
        auto const drafted = position + count - static_cast<SizeType32>(request.tokens.size()) + 1;
        if (wantedLogits > 0 && drafted < request.maxTokens)
        {
            mKvCache.reserve(sequence, position + count + 1);
            step.parts.push_back({sequence, blocks, &request.draft.back(), 1, position + count, 1});
            step.requests.push_back(&request);
        }
    }
    return step;
}

void ModelDrafter::compute(Step const& step)
{
    auto const vocabularySize = static_cast<std::size_t>(mRunner->vocabularySize());
    mRunner->forward(step.parts,
        [&](std::vector<ComputedPart> const& computed)
        {
            for (auto const& part : computed)
            {
                auto const& [sequence, blocks, tokens, count, position, wantedLogits] = step.parts[part.index];
                auto const& request = *step.requests[part.index];
                auto& stored = mStored.at(sequence);
                stored.insert(stored.end(), tokens, tokens + count);
                if (stored.size() <= request.tokens.size())
                {
                    mKvCache.advance(sequence, request.tokens, position + count);
                }
                if (wantedLogits > 0)
                {
                    request.draft.push_back(logits::argmax(part.logits, vocabularySize));
                }
            }
        });
}

/// The tokens of a sequence whose KV is there; one at least is missing.
VecTokens& ModelDrafter::follow(DraftRequest const& request)
{
    auto const [known, isNew] = mStored.try_emplace(request.sequence);
    auto& stored = known->second;
    if (isNew)
    {
        auto const start = mKvCache.addSequence(request.sequence, request.tokens, request.domain,
            KvCacheRetentionConfig(), static_cast<SizeType32>(request.tokens.size()));
        mRunner->begin({request.sequence, mKvCache.blocks(request.sequence), start.reusedTokens, start.copyFrom});
        stored.assign(request.tokens.begin(), request.tokens.begin() + start.reusedTokens);
    }
    keepCommon(request.sequence, stored, VecTokens(request.tokens.begin(), request.tokens.end() - 1));
    return stored;
}

/// Forgets what was stored of guesses that were wrong.
void ModelDrafter::keepCommon(SequenceId sequence, VecTokens& stored, VecTokens const& tokens)
{
    auto const common = commonPrefix(stored, tokens);
    if (common < static_cast<SizeType32>(stored.size()))
    {
        stored.resize(static_cast<std::size_t>(common));
        mKvCache.truncate(sequence, common);
        mRunner->truncate(sequence, mKvCache.blocks(sequence), common);
    }
}

void ModelDrafter::end(SequenceId sequence, VecTokens const& tokens)
{
    auto const known = mStored.find(sequence);
    if (known == mStored.end())
    {
        return;
    }
    keepCommon(sequence, known->second, tokens);
    mKvCache.removeSequence(sequence, tokens, static_cast<SizeType32>(known->second.size()), Clock::now());
    mRunner->end(sequence);
    mStored.erase(known);
}

void ModelDrafter::clear()
{
    for (auto const& [sequence, stored] : mStored)
    {
        mKvCache.removeSequence(sequence, stored, 0, Clock::now());
        mRunner->end(sequence);
    }
    mStored.clear();
    mKvCache.clear();
}

} // namespace tensorrt_llm::executor::embedded
