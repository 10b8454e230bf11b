#include "runner/llama_library.h"

#include <dlfcn.h>
#include <filesystem>
#include <ggml-backend.h>
#include <llama.h>
#include <mutex>

namespace tensorrt_llm::executor::embedded
{

namespace
{

thread_local std::string* errorText = nullptr;

void collectErrors(ggml_log_level level, char const* text, void* /*userData*/)
{
    static thread_local bool inError = false;
    inError = level == GGML_LOG_LEVEL_ERROR || (inError && level == GGML_LOG_LEVEL_CONT);
    if (errorText != nullptr && inError)
    {
        *errorText += text;
    }
}

} // namespace

void initializeLlama()
{
    static std::once_flag once;
    std::call_once(once,
        []
        {
            llama_log_set(collectErrors, nullptr);
            // ggml looks beside the executable, which is Node; its libraries lie beside libllama.
            Dl_info library{};
            dladdr(reinterpret_cast<void*>(&llama_backend_init), &library);
            auto const folder = std::filesystem::path(library.dli_fname).parent_path();
            ggml_backend_load_all_from_path(folder.c_str());
            llama_backend_init();
        });
}

ComputeDevice computeDevice()
{
    auto* const gpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_GPU);
    auto* const device = gpu != nullptr ? gpu : ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    std::size_t free = 0;
    std::size_t total = 0;
    ggml_backend_dev_memory(device, &free, &total);
    return {ggml_backend_dev_description(device), gpu != nullptr, free, total};
}

LlamaErrors::LlamaErrors()
{
    errorText = &mText;
}

LlamaErrors::~LlamaErrors()
{
    errorText = nullptr;
}

std::string LlamaErrors::text() const
{
    std::string line;
    for (auto const character : mText)
    {
        line += character == '\n' ? ' ' : character;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
}

} // namespace tensorrt_llm::executor::embedded
