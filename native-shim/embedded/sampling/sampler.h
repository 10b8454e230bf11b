// Picks the next token of one request from the model's logits.
#pragma once

#include "tensorrt_llm/executor/executor.h"

#include <cstdint>
#include <optional>
#include <random>
#include <unordered_map>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

/// Which tokens a grammar allows: bit id % 32 of word id / 32. Tokens beyond the last word are not allowed.
using TokenMask = std::vector<std::uint32_t>;

/// Order: mask, temperature, penalties, minTokens, min-p, top-k, top-p, draw. As in TensorRT-LLM, unset top-k
/// and top-p mean greedy; one of them set lets the other keep everything.
class Sampler
{
public:
    Sampler(SamplingConfig const& config, VecTokens const& prompt, std::optional<TokenIdType> endId);

    /// logits: [vocabularySize]. mask: null where every token is allowed. The lowest id wins a tie. Where
    /// minTokens holds back the only token that the mask allows, the mask wins.
    [[nodiscard]] TokenIdType sample(float const* logits, SizeType32 vocabularySize, TokenMask const* mask = nullptr);

private:
    struct Candidate
    {
        TokenIdType id;
        float logit;
    };

    [[nodiscard]] float const* penalized(float const* logits, SizeType32 vocabularySize, TokenMask const* mask);
    [[nodiscard]] TokenIdType draw(float const* logits, SizeType32 vocabularySize);

    bool mGreedy;
    SizeType32 mTopK;
    float mTopP;
    float mMinP;
    float mTemperature;
    float mRepetitionPenalty;
    float mPresencePenalty;
    float mFrequencyPenalty;
    SizeType32 mMinTokens;
    std::optional<TokenIdType> mEndId;
    std::mt19937_64 mRandom;
    SizeType32 mGenerated{0};
    std::unordered_map<TokenIdType, SizeType32> mCounts; // occurrences in prompt and answer, kept for penalties only
    std::vector<float> mAdjusted;
    std::vector<Candidate> mCandidates;
};

/// Natural logarithm of the model's own probability of a token (before penalties and temperature).
[[nodiscard]] float logProbability(float const* logits, SizeType32 vocabularySize, TokenIdType token);

} // namespace tensorrt_llm::executor::embedded
