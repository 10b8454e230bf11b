// One response of the executor as records.
#pragma once

#include "answer_options.h"
#include "record_queue.h"

#include "tensorrt_llm/executor/executor.h"

namespace trtllm_shim
{

struct ResponseLogProbs
{
    LogProbs generation;
    LogProbs prompt;
};

/// True where the response is the last one of its request. `logProbs`: what the request asked for of them.
bool appendResponse(RecordQueue::Batch& batch, tensorrt_llm::executor::Response const& response,
    ResponseLogProbs const& logProbs, AnswerOptions const& options);

} // namespace trtllm_shim
