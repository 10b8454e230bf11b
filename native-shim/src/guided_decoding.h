// Guided decoding between the JSON of the C ABI, the engine's vocabulary and the executor API.
#pragma once

#include "backend.h"
#include "json_object.h"

#include <optional>

namespace trtllm_shim
{

/// The "guided" of a request: an object with exactly one of "json" (true), "jsonSchema", "regex" and "grammar" (text).
std::optional<tensorrt_llm::executor::GuidedDecodingParams> guidedDecodingParams(JsonObject const& request);

/// What an executor needs for it. Tokens that are structure and no text have none.
tensorrt_llm::executor::GuidedDecodingConfig guidedDecodingConfig(Vocabulary const& vocabulary);

} // namespace trtllm_shim
