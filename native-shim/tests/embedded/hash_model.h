// A model whose next token is a hash of all the tokens before it: a KV cache that holds anything but what it
// should changes the answer. It also checks what every step asks of it.
#pragma once

#include "model.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace hash_model
{

using namespace tensorrt_llm::executor;
using embedded::Limits;
using embedded::Slot;
using embedded::StepToken;

constexpr SizeType32 kVocabularySize = 64;

inline TokenIdType nextToken(VecTokens const& tokens)
{
    std::uint64_t hash = 1469598103934665603ull;
    for (auto const token : tokens)
    {
        hash = (hash ^ static_cast<std::uint64_t>(token + 1)) * 1099511628211ull;
    }
    return static_cast<TokenIdType>((hash >> 32) % kVocabularySize);
}

/// What greedy decoding gives for a prompt, by the definition above.
inline VecTokens expectedAnswer(VecTokens const& prompt, SizeType32 maxTokens, TokenIdType endId = -1)
{
    auto tokens = prompt;
    while (static_cast<SizeType32>(tokens.size() - prompt.size()) < maxTokens)
    {
        auto const token = nextToken(tokens);
        if (token == endId)
        {
            break;
        }
        tokens.push_back(token);
    }
    return {tokens.begin() + static_cast<std::ptrdiff_t>(prompt.size()), tokens.end()};
}

struct Observations
{
    std::atomic<std::size_t> largestStep{0};
    std::atomic<std::size_t> computedTokens{0};
    std::atomic<int> failAfterSteps{-1}; // 0: the next step throws
};

class HashRunner : public embedded::ModelRunner
{
public:
    HashRunner(Limits const& limits, std::shared_ptr<Observations> observations)
        : mLimits(limits)
        , mSlots(limits.maxBatchSize)
        , mObservations(std::move(observations))
    {
    }

    [[nodiscard]] SizeType32 slots() const override
    {
        return static_cast<SizeType32>(mSlots.size());
    }

    [[nodiscard]] SizeType32 vocabularySize() const override
    {
        return kVocabularySize;
    }

    void forward(std::vector<StepToken> const& step) override
    {
        if (mObservations->failAfterSteps >= 0 && mObservations->failAfterSteps-- == 0)
        {
            throw std::runtime_error("the step failed as asked");
        }
        require(!step.empty(), "an empty step");
        require(static_cast<SizeType32>(step.size()) <= mLimits.maxNumTokens, "a step above maxNumTokens");
        mObservations->largestStep = std::max(mObservations->largestStep.load(), step.size());
        mObservations->computedTokens += step.size();
        mLogits.assign(step.size(), {});
        for (std::size_t i = 0; i < step.size(); ++i)
        {
            auto& slot = mSlots.at(static_cast<std::size_t>(step[i].slot));
            require(step[i].position == static_cast<SizeType32>(slot.size()), "a token at the wrong position");
            slot.push_back(step[i].token);
            require(static_cast<SizeType32>(slot.size()) <= mLimits.maxSequenceTokens, "a sequence that is too long");
            if (step[i].wantLogits)
            {
                mLogits[i].assign(kVocabularySize, 0.f);
                mLogits[i][static_cast<std::size_t>(nextToken(slot))] = 8.f;
            }
        }
    }

    [[nodiscard]] float const* logits(std::size_t index) const override
    {
        require(!mLogits.at(index).empty(), "logits that were not wanted");
        return mLogits[index].data();
    }

    void truncate(Slot slot, SizeType32 length) override
    {
        auto& tokens = mSlots.at(static_cast<std::size_t>(slot));
        require(length <= static_cast<SizeType32>(tokens.size()), "a truncation that lengthens");
        tokens.resize(static_cast<std::size_t>(length));
    }

    void copyPrefix(Slot from, Slot to, SizeType32 length) override
    {
        auto const& source = mSlots.at(static_cast<std::size_t>(from));
        require(from != to && length <= static_cast<SizeType32>(source.size()), "a copy of what is not there");
        mSlots.at(static_cast<std::size_t>(to)).assign(source.begin(), source.begin() + length);
    }

private:
    static void require(bool condition, char const* what)
    {
        if (!condition)
        {
            throw std::logic_error(std::string("the runner was asked for ") + what);
        }
    }

    Limits mLimits;
    std::vector<VecTokens> mSlots;
    std::vector<std::vector<float>> mLogits;
    std::shared_ptr<Observations> mObservations;
};

class HashModel : public Model
{
public:
    HashModel(SizeType32 maxSequenceTokens, SizeType32 tokensPerBlock)
        : mMaxSequenceTokens(maxSequenceTokens)
        , mTokensPerBlock(tokensPerBlock)
    {
    }

    [[nodiscard]] embedded::EngineLimits limits() const override
    {
        embedded::EngineLimits limits;
        limits.maxSequenceTokens = mMaxSequenceTokens;
        limits.tokensPerBlock = mTokensPerBlock;
        return limits;
    }

    [[nodiscard]] std::unique_ptr<embedded::ModelRunner> createRunner(Limits const& limits) override
    {
        return std::make_unique<HashRunner>(limits, observations);
    }

    std::shared_ptr<Observations> const observations = std::make_shared<Observations>();

private:
    SizeType32 mMaxSequenceTokens;
    SizeType32 mTokensPerBlock;
};

} // namespace hash_model
