#include "sampling/logit_adjuster.h"

#include "scan.h"

#include <algorithm>

namespace tensorrt_llm::executor::embedded
{

LogitAdjuster::LogitAdjuster(Request const& request)
    : mEndId(request.getEndId())
    , mBans(request)
{
    auto const config = request.getSamplingConfig();
    auto const temperature = config.getTemperature().value_or(1.f);
    mTemperature = temperature > 0.f ? temperature : 1.f;
    mRepetitionPenalty = config.getRepetitionPenalty().value_or(1.f);
    mPresencePenalty = config.getPresencePenalty().value_or(0.f);
    mFrequencyPenalty = config.getFrequencyPenalty().value_or(0.f);
    mPenalizes = mRepetitionPenalty != 1.f || mPresencePenalty != 0.f || mFrequencyPenalty != 0.f;
    mMinTokens = config.getMinTokens().value_or(0);
    if (mPenalizes)
    {
        auto ignore = config.getPromptIgnoreLength().value_or(0);
        for (auto const token : request.getInputTokenIds())
        {
            auto& occurrences = mOccurrences[token];
            ++occurrences.all;
            occurrences.counted += ignore-- > 0 ? 0 : 1;
        }
    }
    if (auto const bias = request.getEmbeddingBias())
    {
        auto const* values = static_cast<float const*>(bias->getData());
        for (std::size_t id = 0; id < bias->getSize(); ++id)
        {
            if (values[id] != 0.f)
            {
                mBias.emplace_back(static_cast<TokenIdType>(id), values[id]);
            }
        }
    }
}

float const* LogitAdjuster::adjust(float const* logits, SizeType32 vocabularySize, TokenMask const* mask)
{
    mBanned.clear();
    bool const holdsEnd = mEndId && *mEndId >= 0 && mGenerated < mMinTokens;
    if (mask == nullptr && mBias.empty() && mOccurrences.empty() && !holdsEnd && !mBans.active())
    {
        return logits;
    }
    mAdjusted.resize(static_cast<std::size_t>(vocabularySize));
    if (mask != nullptr)
    {
        apply(*mask, logits, vocabularySize);
    }
    else
    {
        std::copy_n(logits, vocabularySize, mAdjusted.begin());
    }
    for (auto const& [token, bias] : mBias)
    {
        mAdjusted[token] += bias;
    }
    for (auto const& [token, occurrences] : mOccurrences)
    {
        penalize(token, occurrences);
    }
    if (holdsEnd)
    {
        ban(*mEndId);
    }
    if (mBans.active())
    {
        for (auto const token : mBans.next())
        {
            ban(token);
        }
    }
    return mAdjusted.data();
}

void LogitAdjuster::apply(TokenMask const& mask, float const* logits, SizeType32 vocabularySize)
{
    std::fill(mAdjusted.begin(), mAdjusted.end(), logits::kLowest);
    auto const words = std::min(mask.size(), (mAdjusted.size() + 31) / 32);
    for (std::size_t word = 0; word < words; ++word)
    {
        auto const first = static_cast<SizeType32>(word * 32);
        auto const end = std::min(first + 32, vocabularySize);
        for (auto id = first; mask[word] != 0 && id < end; ++id)
        {
            if (((mask[word] >> (id - first)) & 1u) != 0)
            {
                mAdjusted[id] = logits[id];
            }
        }
    }
}

void LogitAdjuster::penalize(TokenIdType token, Occurrences const& occurrences)
{
    auto logit = mAdjusted[token] / mTemperature;
    logit = logit < 0.f ? logit * mRepetitionPenalty : logit / mRepetitionPenalty;
    if (occurrences.counted > 0)
    {
        logit -= mPresencePenalty + mFrequencyPenalty * static_cast<float>(occurrences.counted);
    }
    mAdjusted[token] = logit * mTemperature;
}

void LogitAdjuster::ban(TokenIdType token)
{
    if (mAdjusted[token] > logits::kLowest)
    {
        mBanned.emplace_back(token, mAdjusted[token]);
        mAdjusted[token] = logits::kLowest;
    }
}

float const* LogitAdjuster::liftBans()
{
    for (auto const& [token, logit] : mBanned)
    {
        mAdjusted[token] = logit;
    }
    return mAdjusted.data();
}

void LogitAdjuster::accept(TokenIdType token)
{
    ++mGenerated;
    mBans.accept(token);
    if (mPenalizes)
    {
        auto& occurrences = mOccurrences[token];
        ++occurrences.all;
        ++occurrences.counted;
    }
}

} // namespace tensorrt_llm::executor::embedded
