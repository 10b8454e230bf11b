#include "tensorrt_llm/executor/executor.h"

#include <stdexcept>
#include <string>

namespace tensorrt_llm::executor
{

namespace
{

// Written so that NaN fails every check.
template <typename T>
std::optional<T> const& check(char const* name, std::optional<T> const& value, bool inRange, char const* range)
{
    if (value && !inRange)
    {
        throw std::invalid_argument(std::string(name) + " is " + std::to_string(*value) + "; it must be " + range);
    }
    return value;
}

} // namespace

SamplingConfig::SamplingConfig(SizeType32 beamWidth)
    : mBeamWidth(beamWidth)
{
    if (beamWidth < 1)
    {
        throw std::invalid_argument("beamWidth is " + std::to_string(beamWidth) + "; it must be at least 1");
    }
}

SizeType32 SamplingConfig::getBeamWidth() const
{
    return mBeamWidth;
}

SizeType32 SamplingConfig::getNumReturnBeams() const
{
    return mBeamWidth > 1 ? mNumReturnSequences.value_or(mBeamWidth) : mBeamWidth;
}

std::optional<FloatType> SamplingConfig::getBeamSearchDiversityRate() const
{
    return mBeamSearchDiversityRate;
}

std::optional<FloatType> SamplingConfig::getLengthPenalty() const
{
    return mLengthPenalty;
}

std::optional<SizeType32> SamplingConfig::getEarlyStopping() const
{
    return mEarlyStopping;
}

std::optional<SizeType32> SamplingConfig::getTopK() const
{
    return mTopK;
}

std::optional<FloatType> SamplingConfig::getTopP() const
{
    return mTopP;
}

std::optional<FloatType> SamplingConfig::getTopPMin() const
{
    return mTopPMin;
}

std::optional<SizeType32> SamplingConfig::getTopPResetIds() const
{
    return mTopPResetIds;
}

std::optional<FloatType> SamplingConfig::getTopPDecay() const
{
    return mTopPDecay;
}

std::optional<RandomSeedType> SamplingConfig::getSeed() const
{
    return mSeed;
}

std::optional<FloatType> SamplingConfig::getTemperature() const
{
    return mTemperature;
}

std::optional<SizeType32> SamplingConfig::getMinTokens() const
{
    return mMinTokens;
}

std::optional<FloatType> SamplingConfig::getRepetitionPenalty() const
{
    return mRepetitionPenalty;
}

std::optional<FloatType> SamplingConfig::getPresencePenalty() const
{
    return mPresencePenalty;
}

std::optional<FloatType> SamplingConfig::getFrequencyPenalty() const
{
    return mFrequencyPenalty;
}

std::optional<SizeType32> SamplingConfig::getPromptIgnoreLength() const
{
    return mPromptIgnoreLength;
}

std::optional<SizeType32> SamplingConfig::getNoRepeatNgramSize() const
{
    return mNoRepeatNgramSize;
}

std::optional<FloatType> SamplingConfig::getMinP() const
{
    return mMinP;
}

std::optional<SizeType32> SamplingConfig::getNumReturnSequences() const
{
    return mNumReturnSequences;
}

void SamplingConfig::setBeamSearchDiversityRate(std::optional<FloatType> const& beamSearchDiversityRate)
{
    mBeamSearchDiversityRate = check("beamSearchDiversityRate", beamSearchDiversityRate,
        beamSearchDiversityRate >= 0.f, "0 or above");
}

void SamplingConfig::setLengthPenalty(std::optional<FloatType> const& lengthPenalty)
{
    mLengthPenalty = check("lengthPenalty", lengthPenalty, lengthPenalty >= 0.f, "0 or above");
}

void SamplingConfig::setEarlyStopping(std::optional<SizeType32> const& earlyStopping)
{
    mEarlyStopping = check("earlyStopping", earlyStopping, earlyStopping >= 0, "0 or above");
}

void SamplingConfig::setTopK(std::optional<SizeType32> const& topK)
{
    mTopK = check("topK", topK, topK >= 0, "0 or above");
}

void SamplingConfig::setTopP(std::optional<FloatType> const& topP)
{
    mTopP = check("topP", topP, topP > 0.f && topP <= 1.f, "above 0 and at most 1");
}

void SamplingConfig::setTopPMin(std::optional<FloatType> const& topPMin)
{
    mTopPMin = check("topPMin", topPMin, topPMin > 0.f && topPMin <= 1.f, "above 0 and at most 1");
}

void SamplingConfig::setTopPResetIds(std::optional<TokenIdType> const& topPResetIds)
{
    mTopPResetIds = check("topPResetIds", topPResetIds, topPResetIds >= 0, "0 or above");
}

void SamplingConfig::setTopPDecay(std::optional<FloatType> const& topPDecay)
{
    mTopPDecay = check("topPDecay", topPDecay, topPDecay > 0.f && topPDecay <= 1.f, "above 0 and at most 1");
}

void SamplingConfig::setSeed(std::optional<RandomSeedType> const& seed)
{
    mSeed = seed;
}

void SamplingConfig::setTemperature(std::optional<FloatType> const& temperature)
{
    mTemperature = check("temperature", temperature, temperature >= 0.f, "0 or above");
}

void SamplingConfig::setMinTokens(std::optional<SizeType32> const& minTokens)
{
    mMinTokens = check("minTokens", minTokens, minTokens >= 0, "0 or above");
}

void SamplingConfig::setRepetitionPenalty(std::optional<FloatType> const& repetitionPenalty)
{
    mRepetitionPenalty = check("repetitionPenalty", repetitionPenalty, repetitionPenalty > 0.f, "above 0");
}

void SamplingConfig::setPresencePenalty(std::optional<FloatType> const& presencePenalty)
{
    mPresencePenalty = check("presencePenalty", presencePenalty, presencePenalty == presencePenalty, "a number");
}

void SamplingConfig::setFrequencyPenalty(std::optional<FloatType> const& frequencyPenalty)
{
    mFrequencyPenalty = check("frequencyPenalty", frequencyPenalty, frequencyPenalty == frequencyPenalty, "a number");
}

void SamplingConfig::setPromptIgnoreLength(std::optional<SizeType32> const& promptIgnoreLength)
{
    mPromptIgnoreLength = check("promptIgnoreLength", promptIgnoreLength, promptIgnoreLength >= 0, "0 or above");
}

void SamplingConfig::setNoRepeatNgramSize(std::optional<SizeType32> const& noRepeatNgramSize)
{
    mNoRepeatNgramSize = check("noRepeatNgramSize", noRepeatNgramSize, noRepeatNgramSize >= 0, "0 or above");
}

void SamplingConfig::setMinP(std::optional<FloatType> const& minP)
{
    mMinP = check("minP", minP, minP >= 0.f && minP <= 1.f, "0 to 1");
}

void SamplingConfig::setNumReturnSequences(std::optional<SizeType32> const& numReturnSequences)
{
    bool const fits = numReturnSequences >= 1 && (mBeamWidth == 1 || numReturnSequences <= mBeamWidth);
    mNumReturnSequences = check(
        "numReturnSequences", numReturnSequences, fits, "at least 1, and at most beamWidth where that is above 1");
}

} // namespace tensorrt_llm::executor
