// What a configuration and a request say about the KV cache.
#pragma once

#include "json_object.h"

#include "tensorrt_llm/executor/executor.h"

namespace trtllm_shim
{

/// executor.kvCache. Throws StatusError with TRTLLM_ERR_INVALID_ARGUMENT, as the function below.
tensorrt_llm::executor::KvCacheConfig kvCacheConfig(nlohmann::json const& json);

/// cacheSaltId and kvCacheRetention of a request.
void setReuse(tensorrt_llm::executor::Request& request, JsonObject const& object);

} // namespace trtllm_shim
