// What of a request decides how its responses are told.
#pragma once

#include "log_probs.h"
#include "sequences_json.h"

#include <cstdint>

namespace trtllm_shim
{

struct AnswerOptions
{
    LogProbOptions logProbs;
    Sequences sequences;
    std::int32_t maxTokens{0};
};

} // namespace trtllm_shim
