// Picks the next token of one sequence from the model's logits.
#pragma once

#include "sampling/logit_adjuster.h"
#include "scan.h"

#include <random>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

/// After LogitAdjuster: min-p, top-k, top-p, draw. As in TensorRT-LLM, unset top-k and top-p mean greedy; one of
/// them set lets the other keep everything; top-p counts within what top-k left, and a draw walks the tokens from
/// the most likely on until a random share of topP is reached, so the last token of the nucleus keeps only the
/// part of its probability that lies within topP.
class Sampler
{
public:
    /// sequenceIndex: which of several sequences of the request; each draws from a seed of its own.
    explicit Sampler(Request const& request, SizeType32 sequenceIndex = 0);

    /// logits: [vocabularySize]. mask: null where every token is allowed. The lowest id wins a tie. Where bans
    /// leave no token that the mask allows, they are ignored.
    [[nodiscard]] TokenIdType sample(float const* logits, SizeType32 vocabularySize, TokenMask const* mask = nullptr);

private:
    struct Candidate
    {
        logits::Entry entry;
        float weight; // exp((logit - best) / temperature)
    };

    [[nodiscard]] TokenIdType draw(float const* row, std::size_t size);
    [[nodiscard]] TokenIdType drawFromAll(float const* row, std::size_t size, float best, double share);
    [[nodiscard]] TokenIdType drawFromNucleus(float const* row, std::size_t size, float best, double share);
    /// Turns the entries into candidates and returns the sum of their weights.
    double weigh(float best);
    /// The candidate at which the sum of weights, from the most likely on, exceeds `target`.
    [[nodiscard]] TokenIdType candidateAt(double target);
    void decayTopP(TokenIdType token);

    LogitAdjuster mAdjuster;
    bool mGreedy;
    SizeType32 mTopK;
    float mTopP; // of the next draw
    float mInitialTopP;
    float mTopPMin;
    float mTopPDecay;
    TokenIdType mTopPResetId;
    float mMinP;
    std::mt19937_64 mRandom;
    std::vector<float> mMaxima;
    std::vector<float> mSums;
    std::vector<logits::Entry> mEntries;
    std::vector<Candidate> mCandidates;
};

/// Natural logarithm of the model's own probability of a token (before bias, temperature and penalties).
[[nodiscard]] float logProbability(float const* logits, SizeType32 vocabularySize, TokenIdType token);

} // namespace tensorrt_llm::executor::embedded
