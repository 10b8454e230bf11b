// Log-probabilities from the logits that an executor returns.
#pragma once

#include "tensorrt_llm/executor/executor.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace trtllm_shim
{

/// What a request asked for.
struct LogProbOptions
{
    bool chosen{false};             // of each generated token
    std::int32_t alternatives{0};   // and of so many of the most likely ones
    bool prompt{false};             // of each token of the prompt, with as many alternatives
    std::int32_t vocabularySize{0}; // what a row of logits holds beyond it is padding
    std::shared_ptr<std::vector<std::int32_t> const> promptTokens; // where `prompt`
};

/// Of some tokens; the alternatives of token i begin at i * alternatives, the most likely first.
struct LogProbs
{
    std::vector<float> chosen;
    std::int32_t alternatives{0};
    std::vector<std::int32_t> ids;
    std::vector<float> values;
};

/// Those that the executor itself gives for the newest `count` tokens of a sequence; empty where it gives none.
std::vector<float> givenLogProbs(tensorrt_llm::executor::Result const& result, std::size_t sequence, std::size_t count);

/// Of the tokens of a response; empty where it has no log-probabilities for them. Throws StatusError with
/// TRTLLM_ERR_UNSUPPORTED for logits that are no floats in CPU memory.
LogProbs generationLogProbs(tensorrt_llm::executor::Result const& result, LogProbOptions const& options);

/// Of the prompt's tokens where the response carries its logits, else empty. The first token, which nothing
/// precedes, has NaN and alternatives of id -1.
LogProbs promptLogProbs(tensorrt_llm::executor::Result const& result, LogProbOptions const& options);

} // namespace trtllm_shim
