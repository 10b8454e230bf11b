#include "sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

namespace
{

TokenIdType argmax(float const* logits, SizeType32 count)
{
    return static_cast<TokenIdType>(std::max_element(logits, logits + count) - logits);
}

constexpr auto kBanned = -std::numeric_limits<float>::infinity();

bool allows(TokenMask const& mask, TokenIdType id)
{
    auto const word = static_cast<std::size_t>(id) / 32;
    return word < mask.size() && ((mask[word] >> (id % 32)) & 1u) != 0;
}

} // namespace

Sampler::Sampler(SamplingConfig const& config, VecTokens const& prompt, std::optional<TokenIdType> endId)
    : mTopK(config.getTopK().value_or(0))
    , mTopP(config.getTopP().value_or(1.f))
    , mMinP(config.getMinP().value_or(0.f))
    , mTemperature(config.getTemperature().value_or(1.f))
    , mRepetitionPenalty(config.getRepetitionPenalty().value_or(1.f))
    , mPresencePenalty(config.getPresencePenalty().value_or(0.f))
    , mFrequencyPenalty(config.getFrequencyPenalty().value_or(0.f))
    , mMinTokens(config.getMinTokens().value_or(0))
    , mEndId(endId)
    , mRandom(config.getSeed().value_or(0))
{
    bool const keepsAll = mTopK == 0 && !config.getTopP();
    mGreedy = keepsAll || mTopK == 1 || mTemperature == 0.f;
    if (mTemperature == 0.f)
    {
        mTemperature = 1.f;
    }
    bool const penalties = mRepetitionPenalty != 1.f || mPresencePenalty != 0.f || mFrequencyPenalty != 0.f;
    if (penalties)
    {
        for (auto const token : prompt)
        {
            ++mCounts[token];
        }
    }
}

float const* Sampler::penalized(float const* logits, SizeType32 vocabularySize, TokenMask const* mask)
{
    bool const holdEnd = mEndId && *mEndId >= 0 && mGenerated < mMinTokens;
    if (mCounts.empty() && !holdEnd && mask == nullptr)
    {
        return logits;
    }
    mAdjusted.assign(logits, logits + vocabularySize);
    for (TokenIdType id = 0; mask != nullptr && id < vocabularySize; ++id)
    {
        if (!allows(*mask, id))
        {
            mAdjusted[id] = kBanned;
        }
    }
    for (auto const& [token, count] : mCounts)
    {
        // Penalties apply to what temperature made of the logit; sampling divides by it later.
        auto logit = mAdjusted[token] / mTemperature;
        logit = logit < 0.f ? logit * mRepetitionPenalty : logit / mRepetitionPenalty;
        logit -= mPresencePenalty + mFrequencyPenalty * static_cast<float>(count);
        mAdjusted[token] = logit * mTemperature;
    }
    if (holdEnd)
    {
        auto const end = std::exchange(mAdjusted[*mEndId], kBanned);
        if (mAdjusted[argmax(mAdjusted.data(), vocabularySize)] == kBanned)
        {
            mAdjusted[*mEndId] = end;
        }
    }
    return mAdjusted.data();
}

TokenIdType Sampler::sample(float const* logits, SizeType32 vocabularySize, TokenMask const* mask)
{
    auto const* adjusted = penalized(logits, vocabularySize, mask);
    auto const token = mGreedy ? argmax(adjusted, vocabularySize) : draw(adjusted, vocabularySize);
    ++mGenerated;
    if (mRepetitionPenalty != 1.f || mPresencePenalty != 0.f || mFrequencyPenalty != 0.f)
    {
        ++mCounts[token];
    }
    return token;
}

TokenIdType Sampler::draw(float const* logits, SizeType32 vocabularySize)
{
    auto const best = *std::max_element(logits, logits + vocabularySize);
    auto const floor
        = mMinP > 0.f ? best + std::log(mMinP) * mTemperature : kBanned;

    mCandidates.clear();
    for (TokenIdType id = 0; id < vocabularySize; ++id)
    {
        if (logits[id] >= floor && logits[id] > kBanned)
        {
            mCandidates.push_back({id, logits[id]});
        }
    }

    auto const likelier = [](Candidate const& a, Candidate const& b)
    { return a.logit != b.logit ? a.logit > b.logit : a.id < b.id; };
    if (mTopK > 0 && mTopK < static_cast<SizeType32>(mCandidates.size()))
    {
        std::nth_element(mCandidates.begin(), mCandidates.begin() + mTopK, mCandidates.end(), likelier);
        mCandidates.resize(mTopK);
    }
    if (mTopP < 1.f)
    {
        std::sort(mCandidates.begin(), mCandidates.end(), likelier);
    }

    double sum = 0;
    for (auto& candidate : mCandidates)
    {
        candidate.logit = std::exp((candidate.logit - best) / mTemperature); // from here on a weight
        sum += candidate.logit;
    }
    if (mTopP < 1.f)
    {
        double kept = 0;
        std::size_t count = 0;
        while (count < mCandidates.size() && kept < mTopP * sum)
        {
            kept += mCandidates[count++].logit;
        }
        mCandidates.resize(count);
        sum = kept;
    }

    // 53 random bits: a uniform double in [0, 1), the same with every standard library.
    auto remaining = static_cast<double>(mRandom() >> 11) * 0x1.0p-53 * sum;
    for (auto const& candidate : mCandidates)
    {
        remaining -= candidate.logit;
        if (remaining < 0)
        {
            return candidate.id;
        }
    }
    return mCandidates.back().id; // rounding left a crumb
}

float logProbability(float const* logits, SizeType32 vocabularySize, TokenIdType token)
{
    auto const best = *std::max_element(logits, logits + vocabularySize);
    double sum = 0;
    for (SizeType32 id = 0; id < vocabularySize; ++id)
    {
        sum += std::exp(logits[id] - best);
    }
    return static_cast<float>(logits[token] - best - std::log(sum));
}

} // namespace tensorrt_llm::executor::embedded
