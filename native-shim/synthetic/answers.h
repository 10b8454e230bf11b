// How the synthetic executor answers a request.
#pragma once

#include "script.h"

#include "tensorrt_llm/executor/executor.h"

#include <chrono>
#include <vector>

namespace synthetic
{

using Clock = std::chrono::steady_clock;

struct Active
{
    tensorrt_llm::executor::Request request;
    std::int32_t kind; // the prompt's first token
    Clock::time_point arrival;
    std::int32_t generated{0};
    std::vector<float> logProbs{};
    bool cancelled{false};
    Clock::time_point firstToken{};
    bool several{false}; // sequences
};

/// Made up where it does not come from the request.
tensorrt_llm::executor::RequestPerfMetrics metricsOf(Active const& active);

/// One step of one request. False where it has ended.
bool advance(tensorrt_llm::executor::IdType id, Active& active, Script const& script,
    std::vector<tensorrt_llm::executor::Response>& responses);

} // namespace synthetic
