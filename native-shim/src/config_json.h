// The document of trtllm_executor_create.
#pragma once

#include "tensorrt_llm/executor/executor.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

namespace trtllm_shim
{

struct SessionConfig
{
    std::filesystem::path enginePath;
    tensorrt_llm::executor::ExecutorConfig executor;
    nlohmann::json backendOptions; // an object, for loadEngine
};

/// Throws StatusError with TRTLLM_ERR_INVALID_ARGUMENT.
SessionConfig parseConfig(std::string_view json);

} // namespace trtllm_shim
