// The part "peftCache" of an executor's configuration.
#pragma once

#include "json_object.h"

#include "tensorrt_llm/executor/executor.h"

namespace trtllm_shim
{

/// Throws StatusError with TRTLLM_ERR_INVALID_ARGUMENT.
tensorrt_llm::executor::PeftCacheConfig peftCacheConfig(nlohmann::json const& json);

} // namespace trtllm_shim
