// One KV cache event as JSON.
#pragma once

#include "tensorrt_llm/executor/executor.h"

#include <string>

namespace trtllm_shim
{

/// Named as in KvCacheEvent of packages/core. Hashes are text: they do not fit a JavaScript number.
std::string toJson(tensorrt_llm::executor::KVCacheEvent const& event);

} // namespace trtllm_shim
