#include "sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tensorrt_llm::executor::embedded
{

namespace
{

// TensorRT-LLM's defaults (runtime/DefaultDecodingParams).
constexpr float kTopPMin = 1e-6f;
constexpr TokenIdType kNoTopPReset = -1;

} // namespace

Sampler::Sampler(Request const& request, SizeType32 sequenceIndex)
    : mAdjuster(request)
{
    auto const config = request.getSamplingConfig();
    mTopK = config.getTopK().value_or(0);
    mInitialTopP = mTopP = config.getTopP().value_or(1.f);
    mTopPMin = config.getTopPMin().value_or(kTopPMin);
    mTopPDecay = config.getTopPDecay().value_or(1.f);
    mTopPResetId = config.getTopPResetIds().value_or(kNoTopPReset);
    mMinP = config.getMinP().value_or(0.f);
    mGreedy = (mTopK == 0 && !config.getTopP()) || mTopK == 1 || config.getTemperature() == 0.f;
    mRandom.seed(config.getSeed().value_or(0) + static_cast<RandomSeedType>(sequenceIndex));
}

TokenIdType Sampler::sample(float const* logits, SizeType32 vocabularySize, TokenMask const* mask)
{
    auto const size = static_cast<std::size_t>(vocabularySize);
    auto const* row = mAdjuster.adjust(logits, vocabularySize, mask);
    auto token = mGreedy ? logits::argmax(row, size) : draw(row, size);
    if (row[token] == logits::kLowest && mAdjuster.hasBans())
    {
        row = mAdjuster.liftBans();
        token = mGreedy ? logits::argmax(row, size) : draw(row, size);
    }
    mAdjuster.accept(token);
    decayTopP(token);
    return token;
}

TokenIdType Sampler::draw(float const* row, std::size_t size)
{
    auto const best = logits::blockMaxima(row, size, mMaxima);
    if (best == logits::kLowest)
    {
        return 0; // nothing is allowed
    }
    // 53 random bits: a uniform double in [0, 1), the same with every standard library.
    auto const share = static_cast<double>(mRandom() >> 11) * 0x1.0p-53 * mTopP;
    if (mTopK == 0 && mMinP == 0.f)
    {
        return mTopP == 1.f ? drawFromAll(row, size, best, share) : drawFromNucleus(row, size, best, share);
    }
    auto const floor = mMinP > 0.f ? best + std::log(mMinP) * mAdjuster.temperature() : logits::kLowest;
    auto const below = [&](logits::Entry const& entry) { return entry.logit < floor; };
    if (mTopK > 0)
    {
        logits::selectTop(row, size, mMaxima, static_cast<std::size_t>(mTopK), mEntries);
        mEntries.erase(std::remove_if(mEntries.begin(), mEntries.end(), below), mEntries.end());
    }
    else
    {
        mEntries.clear();
        logits::forEachAtLeast(
            row, size, mMaxima, floor, [&](TokenIdType id, float logit) { mEntries.push_back({id, logit}); });
    }
    return candidateAt(share * weigh(best));
}

/// Where every token counts, any order does: that of ids, whole blocks at a time.
TokenIdType Sampler::drawFromAll(float const* row, std::size_t size, float best, double share)
{
    auto const scale = 1.f / mAdjuster.temperature();
    auto target = share * logits::blockSums(row, size, best, scale, mSums);
    std::size_t block = 0;
    while (block + 1 < mSums.size() && target >= mSums[block])
    {
        target -= mSums[block++];
    }
    std::optional<TokenIdType> token;
    for (auto id = block * logits::kBlock; id < size && target >= 0; ++id)
    {
        if (row[id] > logits::kLowest)
        {
            token = static_cast<TokenIdType>(id);
            target -= std::exp((row[id] - best) * scale);
        }
    }
    return token ? *token : logits::argmax(row, size);
}

/// Takes the likely tokens first, in slices: their sum alone tells whether the draw falls into one, so only that
/// one is put in order.
TokenIdType Sampler::drawFromNucleus(float const* row, std::size_t size, float best, double share)
{
    auto const temperature = mAdjuster.temperature();
    auto target = share * logits::sumExp(row, size, best, 1.f / temperature);
    auto ceiling = std::numeric_limits<float>::infinity();
    for (auto depth = 2.f;; depth *= 2.f) // in natural logarithms below the best
    {
        auto const floor = depth < 64.f ? best - depth * temperature : logits::kLowest;
        mEntries.clear();
        logits::forEachAtLeast(row, size, mMaxima, floor,
            [&](TokenIdType id, float logit)
            {
                if (logit < ceiling)
                {
                    mEntries.push_back({id, logit});
                }
            });
        bool const last = floor == logits::kLowest;
        if (last && mEntries.empty())
        {
            // Rounding left a crumb: the least likely one of the slice before.
            return candidateAt(std::numeric_limits<double>::infinity());
        }
        auto const sum = weigh(best);
        if (last || target < sum)
        {
            return candidateAt(target);
        }
        target -= sum;
        ceiling = floor;
    }
}

double Sampler::weigh(float best)
{
    double sum = 0;
    mCandidates.clear();
    for (auto const& entry : mEntries)
    {
        auto const weight = std::exp((entry.logit - best) / mAdjuster.temperature());
        mCandidates.push_back({entry, weight});
        sum += weight;
    }
    return sum;
}

TokenIdType Sampler::candidateAt(double target)
{
    if (mCandidates.empty())
    {
        return 0; // no number among the logits
    }
    constexpr std::ptrdiff_t kSorted = 32;
    auto const likelier = [](Candidate const& a, Candidate const& b) { return logits::before(a.entry, b.entry); };
    auto first = mCandidates.begin();
    auto last = mCandidates.end();
    while (last - first > kSorted)
    {
        auto const middle = first + (last - first) / 2;
        std::nth_element(first, middle, last, likelier);
        double sum = 0;
        std::for_each(first, middle, [&](Candidate const& candidate) { sum += candidate.weight; });
        if (target < sum)
        {
            last = middle;
        }
        else
        {
            target -= sum;
            first = middle;
        }
    }
    std::sort(first, last, likelier);
    for (; first + 1 != last; ++first)
    {
        target -= first->weight;
        if (target < 0)
        {
            break;
        }
    }
    return first->entry.id;
}

void Sampler::decayTopP(TokenIdType token)
{
    mTopP = token == mTopPResetId ? mInitialTopP : std::max(mTopP * mTopPDecay, mTopPMin);
}

float logProbability(float const* logits, SizeType32 vocabularySize, TokenIdType token)
{
    return static_cast<float>(logits[token] - logits::logSumExp(logits, static_cast<std::size_t>(vocabularySize)));
}

} // namespace tensorrt_llm::executor::embedded
