#include "sampling/repetition_bans.h"

#include <algorithm>
#include <iterator>

namespace tensorrt_llm::executor::embedded
{

RepetitionBans::RepetitionBans(Request const& request)
    : mBadWords(request.getBadWords().value_or(std::list<VecTokens>{}))
    , mNgramSize(static_cast<std::size_t>(request.getSamplingConfig().getNoRepeatNgramSize().value_or(0)))
{
    mBadWords.remove_if([](VecTokens const& word) { return word.empty(); });
    if (active())
    {
        mSequence = request.getInputTokenIds();
    }
}

void RepetitionBans::accept(TokenIdType token)
{
    if (active())
    {
        mSequence.push_back(token);
    }
}

VecTokens const& RepetitionBans::next()
{
    mNext.clear();
    for (auto const& word : mBadWords)
    {
        auto const before = word.size() - 1;
        if (before <= mSequence.size()
            && std::equal(word.begin(), std::prev(word.end()), mSequence.end() - static_cast<std::ptrdiff_t>(before)))
        {
            mNext.push_back(word.back());
        }
    }
    if (mNgramSize > 0 && mSequence.size() >= mNgramSize)
    {
        auto const before = static_cast<std::ptrdiff_t>(mNgramSize - 1);
        auto const tail = mSequence.end() - before;
        for (auto ngram = mSequence.begin(); ngram + before != mSequence.end(); ++ngram)
        {
            if (std::equal(tail, mSequence.end(), ngram))
            {
                mNext.push_back(ngram[before]);
            }
        }
    }
    return mNext;
}

} // namespace tensorrt_llm::executor::embedded
