#include "drafting/ngram_drafter.h"

#include <algorithm>
#include <iterator>

namespace tensorrt_llm::executor::embedded
{

namespace
{

/// What follows fewer is right too seldom to pay for its place in a step.
constexpr SizeType32 kLeastNgram = 3;

} // namespace

NgramDrafter::NgramDrafter(SizeType32 maxMatchingNgramSize)
    : mMaxMatchingNgramSize(maxMatchingNgramSize)
{
}

void NgramDrafter::draft(std::vector<DraftRequest> const& requests)
{
    for (auto const& request : requests)
    {
        auto const& tokens = request.tokens;
        auto const length = static_cast<SizeType32>(tokens.size());
        auto const least = std::min(mMaxMatchingNgramSize, kLeastNgram);
        for (auto size = std::min(mMaxMatchingNgramSize, length - 1); size >= least; --size)
        {
            auto const ngram = tokens.end() - size;
            auto const found = std::search(tokens.begin(), tokens.end() - 1, ngram, tokens.end());
            if (found != tokens.end() - 1)
            {
                auto const next = found + size;
                auto const count = std::min<std::ptrdiff_t>(request.maxTokens, std::distance(next, tokens.end()));
                request.draft.insert(request.draft.end(), next, next + count);
                break;
            }
        }
    }
}

} // namespace tensorrt_llm::executor::embedded
