// What of a request does not belong to the model's vocabulary.
#pragma once

#include "tensorrt_llm/executor/executor.h"

#include <string>

namespace tensorrt_llm::executor::embedded
{

/// Names what is outside, for an error message; empty where nothing is.
[[nodiscard]] std::string outsideVocabulary(Request const& request, SizeType32 vocabularySize);

} // namespace tensorrt_llm::executor::embedded
