// The part of a request that says how its tokens are chosen.
#pragma once

#include "backend.h"
#include "json_object.h"
#include "sequences_json.h"

#include <cstdint>

namespace trtllm_shim
{

/// Throws StatusError with TRTLLM_ERR_INVALID_ARGUMENT or _UNSUPPORTED, as the function below.
tensorrt_llm::executor::SamplingConfig samplingConfig(
    JsonObject const& object, Sequences const& sequences, std::int32_t vocabularySize);

/// Sets what TensorRT-LLM has beside the sampling configuration: stop words, bad words, embedding bias.
void setTokenRules(
    tensorrt_llm::executor::Request& request, JsonObject const& object, std::int32_t vocabularySize);

} // namespace trtllm_shim
