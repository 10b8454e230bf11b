// One response of the executor as records.
#pragma once

#include "record_queue.h"

#include "tensorrt_llm/executor/executor.h"

namespace trtllm_shim
{

/// True where the response is the last one of its request. `logProbs`: the request asked for them.
bool appendResponse(RecordQueue::Batch& batch, tensorrt_llm::executor::Response const& response, bool logProbs);

} // namespace trtllm_shim
