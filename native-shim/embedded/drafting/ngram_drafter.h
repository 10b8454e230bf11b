#pragma once

#include "drafting/drafter.h"

namespace tensorrt_llm::executor::embedded
{

/// Prompt lookup, as TensorRT-LLM's NGram decoding: where the last tokens of a sequence came before in it, what
/// followed them there is guessed to follow again. The longest match counts, of equally long ones the oldest.
/// Unlike TensorRT-LLM, where a single token matches too and all requests share what they say, a match has at least
/// three tokens where that many may match, and nothing is guessed from another request.
class NgramDrafter : public Drafter
{
public:
    /// maxMatchingNgramSize: most tokens that are looked up, at least 1.
    explicit NgramDrafter(SizeType32 maxMatchingNgramSize);

    void draft(std::vector<DraftRequest> const& requests) override;

private:
    SizeType32 const mMaxMatchingNgramSize;
};

} // namespace tensorrt_llm::executor::embedded
