#include "sampling/beam_search.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

BeamSearch::BeamSearch(BeamSearchConfig config, VecTokens prompt)
    : mConfig(std::move(config))
    , mPromptLength(static_cast<SizeType32>(prompt.size()))
    , mBeams{{std::move(prompt), {}, 0}}
{
}

std::vector<SizeType32> BeamSearch::advance(std::vector<float const*> const& logits, SizeType32 vocabularySize)
{
    auto const all = candidates(logits, vocabularySize);
    auto const length = generated() + 1;
    std::vector<Beam> next;
    std::vector<SizeType32> parents;
    for (std::size_t place = 0; place < all.size() && next.size() < static_cast<std::size_t>(mConfig.width); ++place)
    {
        auto const& candidate = all[place];
        bool const ends = candidate.token == mConfig.endId;
        bool const stops = !ends && completesStopWord(candidate);
        if (!ends && !stops)
        {
            next.push_back(extended(candidate));
            parents.push_back(candidate.beam);
        }
        else if (place < static_cast<std::size_t>(mConfig.width))
        {
            auto beam = extended(candidate);
            if (ends)
            {
                beam.tokens.pop_back();
                beam.logProbs.pop_back();
            }
            keep({std::move(beam), score(candidate.cumLogProb, length),
                ends ? FinishReason::kEND_ID : FinishReason::kSTOP_WORDS});
        }
    }
    if (next.empty()) // every continuation ended, or there was none
    {
        mDone = true;
        for (auto const& beam : all.empty() ? mBeams : next)
        {
            keep({beam, score(beam.cumLogProb, generated()), FinishReason::kLENGTH});
        }
    }
    else
    {
        mDone = canStop(all.front().cumLogProb, length);
    }
    mBeams = std::move(next);
    return parents;
}

std::vector<BeamSearch::Candidate> BeamSearch::candidates(
    std::vector<float const*> const& logits, SizeType32 vocabularySize)
{
    auto const size = static_cast<std::size_t>(vocabularySize);
    auto const count = 2 * static_cast<std::size_t>(mConfig.width);
    std::vector<Candidate> all;
    for (std::size_t beam = 0; beam < logits.size(); ++beam)
    {
        auto const best = logits::blockMaxima(logits[beam], size, mMaxima);
        auto const logSum = std::log(logits::sumExp(logits[beam], size, best, 1.f / mConfig.temperature));
        logits::selectTop(logits[beam], size, mMaxima, count, mTop);
        for (auto const& [token, logit] : mTop)
        {
            auto const logProb = (static_cast<double>(logit) - best) / mConfig.temperature - logSum;
            auto const cumulated = mBeams[beam].cumLogProb + logProb;
            all.push_back({static_cast<SizeType32>(beam), token, logProb, cumulated,
                cumulated + static_cast<double>(mConfig.diversityRate) * static_cast<double>(beam)});
        }
    }
    auto const better = [](Candidate const& a, Candidate const& b)
    {
        return a.rank != b.rank ? a.rank > b.rank : a.beam != b.beam ? a.beam < b.beam : a.token < b.token;
    };
    auto const kept = all.begin() + static_cast<std::ptrdiff_t>(std::min(count, all.size()));
    std::partial_sort(all.begin(), kept, all.end(), better);
    all.erase(kept, all.end());
    return all;
}

BeamSearch::Beam BeamSearch::extended(Candidate const& candidate) const
{
    auto beam = mBeams[static_cast<std::size_t>(candidate.beam)];
    beam.tokens.push_back(candidate.token);
    beam.logProbs.push_back(static_cast<float>(candidate.logProb));
    beam.cumLogProb = candidate.cumLogProb;
    return beam;
}

bool BeamSearch::completesStopWord(Candidate const& candidate) const
{
    auto const& tokens = mBeams[static_cast<std::size_t>(candidate.beam)].tokens;
    return std::any_of(mConfig.stopWords.begin(), mConfig.stopWords.end(),
        [&](VecTokens const& word)
        {
            return !word.empty() && word.back() == candidate.token && word.size() - 1 <= tokens.size()
                && std::equal(word.rbegin() + 1, word.rend(), tokens.rbegin());
        });
}

double BeamSearch::score(double cumLogProb, SizeType32 length) const
{
    return mConfig.lengthPenalty == 0.f ? cumLogProb : cumLogProb / std::pow(length, mConfig.lengthPenalty);
}

SizeType32 BeamSearch::generated() const
{
    return mBeams.empty() ? 0 : static_cast<SizeType32>(mBeams.front().tokens.size()) - mPromptLength;
}

bool BeamSearch::canStop(double bestCumLogProb, SizeType32 length) const
{
    if (static_cast<SizeType32>(mAnswers.size()) < mConfig.width)
    {
        return false;
    }
    if (mConfig.earlyStopping == 1)
    {
        return true;
    }
    bool const judgedAtTheEnd = mConfig.earlyStopping != 0 && mConfig.lengthPenalty > 0.f;
    return mAnswers.back().score >= score(bestCumLogProb, judgedAtTheEnd ? mConfig.maxTokens : length);
}

/// Of equal scores the earlier answer goes first.
void BeamSearch::keep(Answer answer)
{
    auto const place = std::find_if(
        mAnswers.begin(), mAnswers.end(), [&](Answer const& each) { return each.score < answer.score; });
    mAnswers.insert(place, std::move(answer));
    if (static_cast<SizeType32>(mAnswers.size()) > mConfig.width)
    {
        mAnswers.pop_back();
    }
}

std::vector<BeamSearch::Answer> BeamSearch::answers(FinishReason reason) const
{
    auto all = *this;
    if (!mDone)
    {
        for (auto const& beam : mBeams)
        {
            all.keep({beam, score(beam.cumLogProb, generated()), reason});
        }
    }
    return all.mAnswers;
}

} // namespace tensorrt_llm::executor::embedded
