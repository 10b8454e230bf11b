#include "runner/llama_thread_pool.h"

#include <ggml-backend.h>

namespace tensorrt_llm::executor::embedded
{

LlamaThreadPool createLlamaThreadPool(SizeType32 threads)
{
    // The library with this CPU's kernels was chosen at run time, so its functions are looked up there.
    auto* const device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    auto* const library = device == nullptr ? nullptr : ggml_backend_dev_backend_reg(device);
    auto const find
        = [&](char const* name) { return library == nullptr ? nullptr : ggml_backend_reg_get_proc_address(library, name); };
    auto* const create = reinterpret_cast<decltype(&ggml_threadpool_new)>(find("ggml_threadpool_new"));
    auto* const destroy = reinterpret_cast<decltype(&ggml_threadpool_free)>(find("ggml_threadpool_free"));
    if (create == nullptr || destroy == nullptr)
    {
        return nullptr;
    }
    auto parameters = ggml_threadpool_params_default(threads);
    return {create(&parameters), destroy};
}

} // namespace tensorrt_llm::executor::embedded
