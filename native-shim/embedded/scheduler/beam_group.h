// The beams of one request between two steps.
#pragma once

#include "sampling/beam_search.h"
#include "sampling/logit_adjuster.h"

#include <vector>

namespace tensorrt_llm::executor::embedded
{

/// Collects the logits of all beams, each under the request's own rules, and lets the search go on with them.
class BeamGroup
{
public:
    explicit BeamGroup(Request const& request);

    /// logits: of a beam by its index, as the model gives them. True once those of all beams are there.
    [[nodiscard]] bool gather(SizeType32 beam, float const* logits, SizeType32 vocabularySize);

    /// Continues the search; returns the former index of each new beam.
    std::vector<SizeType32> advance();

    [[nodiscard]] BeamSearch const& search() const
    {
        return mSearch;
    }

    /// Whether the search is done or its beams are as long as they may be.
    [[nodiscard]] bool ended() const;

private:
    SizeType32 const mLongest; // tokens of prompt and answer
    BeamSearch mSearch;
    std::vector<LogitAdjuster> mAdjusters; // by beam, as the rows
    std::vector<std::vector<float>> mRows;
    std::size_t mGathered{0};
};

} // namespace tensorrt_llm::executor::embedded
