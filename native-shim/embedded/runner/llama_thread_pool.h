#pragma once

#include "tensorrt_llm/executor/types.h"

#include <ggml-cpu.h>
#include <memory>

namespace tensorrt_llm::executor::embedded
{

using LlamaThreadPool = std::unique_ptr<ggml_threadpool, void (*)(ggml_threadpool*)>;

/// Threads that live as long as the pool. Without one llama.cpp starts and joins threads for every decode.
/// Null where the CPU library offers none.
LlamaThreadPool createLlamaThreadPool(SizeType32 threads);

} // namespace tensorrt_llm::executor::embedded
