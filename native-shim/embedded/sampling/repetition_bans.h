// Tokens that may not come next, because they would complete a bad word or repeat an n-gram.
#pragma once

#include "tensorrt_llm/executor/executor.h"

#include <list>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

/// Knows the sequence so far, prompt included, as TensorRT-LLM's kernels do. Copied when a beam forks.
class RepetitionBans
{
public:
    explicit RepetitionBans(Request const& request);

    /// Whether there can ever be a ban.
    [[nodiscard]] bool active() const
    {
        return mNgramSize > 0 || !mBadWords.empty();
    }

    void accept(TokenIdType token);

    /// The tokens that may not come next; a token may be named twice.
    [[nodiscard]] VecTokens const& next();

private:
    std::list<VecTokens> mBadWords;
    std::size_t mNgramSize; // 0: n-grams may repeat
    VecTokens mSequence;    // kept only where active
    VecTokens mNext;
};

} // namespace tensorrt_llm::executor::embedded
