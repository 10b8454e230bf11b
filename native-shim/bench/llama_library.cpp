#include "llama_library.h"

#include <dlfcn.h>
#include <ggml-backend.h>
#include <llama.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>

namespace
{

void logWarnings(ggml_log_level level, char const* text, void*)
{
    if (level == GGML_LOG_LEVEL_ERROR || level == GGML_LOG_LEVEL_WARN)
    {
        std::fputs(text, stderr);
    }
}

} // namespace

void loadLlamaLibrary()
{
    Dl_info library{};
    if (dladdr(reinterpret_cast<void const*>(&llama_backend_init), &library) == 0)
    {
        throw std::runtime_error("cannot tell which folder libllama was loaded from");
    }
    llama_log_set(logWarnings, nullptr);
    ggml_backend_load_all_from_path(std::filesystem::path(library.dli_fname).parent_path().c_str());
    llama_backend_init();
}

ComputingDevice computingDevice()
{
    auto* const gpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_GPU);
    auto* const device = gpu != nullptr ? gpu : ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    return {ggml_backend_dev_description(device), gpu != nullptr};
}
