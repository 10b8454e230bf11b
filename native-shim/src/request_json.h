// The document of trtllm_executor_submit.
#pragma once

#include "answer_options.h"
#include "backend.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace trtllm_shim
{

struct ParsedRequest
{
    tensorrt_llm::executor::Request request;
    AnswerOptions answer;
    std::optional<std::uint64_t> loraTaskId;
};

/// A request that `engine` can run, which the executor itself does not check before it is too late.
/// Throws StatusError with TRTLLM_ERR_INVALID_ARGUMENT, _PROMPT_TOO_LONG or _KV_CACHE_FULL.
ParsedRequest parseRequest(
    std::string_view json, std::int32_t const* tokens, std::size_t tokenCount, EngineDescription const& engine);

} // namespace trtllm_shim
