#include "library.h"

#include <dlfcn.h>
#include <stdexcept>

namespace trtllm_host
{

namespace
{

template <typename Function>
void bind(void* library, char const* name, Function& function)
{
    function = reinterpret_cast<Function>(dlsym(library, name));
    if (function == nullptr)
    {
        throw std::runtime_error(std::string("it has no function ") + name);
    }
}

} // namespace

Library::Library(std::string const& path)
{
    auto* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL); // never closed: its threads may still run
    if (library == nullptr)
    {
        throw std::runtime_error(dlerror());
    }
    decltype(&trtllm_abi_version) abiVersion = nullptr;
    bind(library, "trtllm_abi_version", abiVersion);
    if (abiVersion() != TRTLLM_ABI_VERSION)
    {
        throw std::runtime_error("it has ABI version " + std::to_string(abiVersion()) + ", trtllm-host needs "
            + std::to_string(TRTLLM_ABI_VERSION));
    }
    bind(library, "trtllm_executor_create", create);
    bind(library, "trtllm_executor_submit", submit);
    bind(library, "trtllm_executor_cancel", cancel);
    bind(library, "trtllm_executor_load_lora", loadLora);
    bind(library, "trtllm_executor_unload_lora", unloadLora);
    bind(library, "trtllm_executor_drain", drain);
    bind(library, "trtllm_executor_iteration_stats", iterationStats);
    bind(library, "trtllm_executor_request_stats", requestStats);
    bind(library, "trtllm_executor_kv_events", kvEvents);
    bind(library, "trtllm_executor_shutdown", shutdown);
    bind(library, "trtllm_executor_destroy", destroy);
    bind(library, "trtllm_executor_tokenize", tokenize);
    bind(library, "trtllm_executor_token_pieces", tokenPieces);
}

} // namespace trtllm_host
