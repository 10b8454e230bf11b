// Speculative decoding: who guesses the tokens that the model then checks, several in one step.
#pragma once

#include "kv/block.h"

#include <vector>

namespace tensorrt_llm::executor::embedded
{

struct DraftRequest
{
    SequenceId sequence;
    VecTokens const& tokens; // prompt and answer so far
    ReuseDomain const& domain;
    SizeType32 maxTokens;    // of the draft, at least 1
    VecTokens& draft;        // the guesses are appended
};

/// A draft is a guess without a probability: whoever checks it may choose each token as without a draft, and goes on
/// where that is the guessed one. Called by the executor's loop only.
class Drafter
{
public:
    virtual ~Drafter() = default;
    /// Guesses as many as it can, none where it knows nothing. Throws where a library fails: it is to forget
    /// everything then.
    virtual void draft(std::vector<DraftRequest> const& requests) = 0;
    /// The sequence ends or pauses with these tokens; it may be unknown.
    virtual void end(SequenceId /*sequence*/, VecTokens const& /*tokens*/) {}
};

} // namespace tensorrt_llm::executor::embedded
