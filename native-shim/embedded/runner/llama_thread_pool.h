#pragma once

#include "tensorrt_llm/executor/types.h"

#include <ggml-cpu.h>
#include <memory>

namespace tensorrt_llm::executor::embedded
{

using LlamaThreadPool = std::shared_ptr<ggml_threadpool>;

/// Threads that live as long as the pool, and wait for work by spinning for a while: contexts that compute in turns
/// share one, else those of one are in the way of the other's. Without one llama.cpp starts and joins threads for every decode.
/// Null where the CPU library offers none.
LlamaThreadPool createLlamaThreadPool(SizeType32 threads);

} // namespace tensorrt_llm::executor::embedded
