// The shim, loaded at run time: one host serves every build of it.
#pragma once

#include "trtllm_shim.h"

#include <string>

namespace trtllm_host
{

struct Library
{
    /// Throws std::runtime_error where it cannot be loaded, or is of another ABI version.
    explicit Library(std::string const& path);

    decltype(&trtllm_executor_create) create;
    decltype(&trtllm_executor_submit) submit;
    decltype(&trtllm_executor_cancel) cancel;
    decltype(&trtllm_executor_load_lora) loadLora;
    decltype(&trtllm_executor_unload_lora) unloadLora;
    decltype(&trtllm_executor_drain) drain;
    decltype(&trtllm_executor_iteration_stats) iterationStats;
    decltype(&trtllm_executor_request_stats) requestStats;
    decltype(&trtllm_executor_kv_events) kvEvents;
    decltype(&trtllm_executor_shutdown) shutdown;
    decltype(&trtllm_executor_destroy) destroy;
    decltype(&trtllm_executor_tokenize) tokenize;
    decltype(&trtllm_executor_token_pieces) tokenPieces;
};

} // namespace trtllm_host
