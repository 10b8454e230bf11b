// How the synthetic executor answers a request that asks for several sequences.
#pragma once

#include "answers.h"

namespace synthetic
{

/// Sequence s is answered with p[0] + s + 1, p[0] + s + 2, ..., s tokens fewer than maxTokens and at least one; all
/// but the first end with kEND_ID. The log-probability of a token is minus its place. Beams come whole at the end.
/// False where the request has ended.
bool advanceSeveral(tensorrt_llm::executor::IdType id, Active& active, Script const& script,
    std::vector<tensorrt_llm::executor::Response>& responses);

/// Ends all sequences that run.
void cancelSeveral(tensorrt_llm::executor::IdType id, Active const& active,
    std::vector<tensorrt_llm::executor::Response>& responses);

/// More than one, or beams.
bool wantsSeveral(tensorrt_llm::executor::Request const& request);

} // namespace synthetic
