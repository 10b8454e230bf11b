// The functions of trtllm_shim.h: arguments checked, handle looked up, exceptions turned into statuses.
#include "backend.h"
#include "failure.h"
#include "handle_table.h"
#include "session.h"
#include "token_pieces.h"

#include <cstring>
#include <nlohmann/json.hpp>
#include <string>

namespace
{

using namespace trtllm_shim;

/// Destroyed at process exit: executors that nobody destroyed end there, before the libraries below them do.
HandleTable& sessions()
{
    static HandleTable table;
    return table;
}

template <typename Body>
trtllm_status guarded(trtllm_error* error, Body body) noexcept
{
    try
    {
        body();
        return TRTLLM_OK;
    }
    catch (...)
    {
        auto const reason = currentFailure();
        if (error != nullptr)
        {
            *error = reason;
        }
        return reason.code;
    }
}

void require(void const* pointer, char const* name)
{
    if (pointer == nullptr)
    {
        throw StatusError(TRTLLM_ERR_INVALID_ARGUMENT, std::string(name) + " is NULL.");
    }
}

/// A pointer to nothing may be NULL.
void requireFor(std::size_t count, void const* pointer, char const* name)
{
    if (count > 0)
    {
        require(pointer, name);
    }
}

[[noreturn]] void tooSmall(std::size_t needed, std::size_t capacity)
{
    throw StatusError(TRTLLM_ERR_BUFFER_TOO_SMALL,
        "The buffer holds " + std::to_string(capacity) + "; " + std::to_string(needed) + " are needed.");
}

template <typename T>
void copyOut(std::vector<T> const& values, T* buffer, std::size_t capacity, std::size_t* count)
{
    *count = values.size();
    if (values.size() > capacity)
    {
        tooSmall(values.size(), capacity);
    }
    std::copy(values.begin(), values.end(), buffer);
}

trtllm_status writeText(uint64_t executor, Session::Text (Session::*write)(char*, std::size_t), char* buffer,
    std::size_t capacity, std::size_t* length, trtllm_error* error)
{
    return guarded(error,
        [&]
        {
            requireFor(capacity, buffer, "buffer");
            require(length, "length");
            auto const text = (*sessions().find(executor).*write)(buffer, capacity);
            *length = text.bytes;
            if (!text.fits)
            {
                tooSmall(text.bytes, capacity);
            }
        });
}

std::string libraryInfo()
{
    auto libraries = nlohmann::json::array();
    for (auto const& [name, version] : backendLibraries())
    {
        libraries.push_back({{"name", name}, {"version", version}});
    }
    return nlohmann::json({{"shim", TRTLLM_SHIM_VERSION}, {"executor", backendName()},
                              {"executorVersion", tensorrt_llm::executor::version()}, {"libraries", libraries}})
        .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace

extern "C"
{

uint32_t trtllm_abi_version(void)
{
    return TRTLLM_ABI_VERSION;
}

char const* trtllm_library_info(void)
{
    try
    {
        static std::string const info = libraryInfo();
        return info.c_str();
    }
    catch (...)
    {
        return "{}"; // out of memory
    }
}

trtllm_status trtllm_executor_create(
    char const* config_json, uint64_t* executor, int32_t* wake_fd, trtllm_error* error)
{
    return guarded(error,
        [&]
        {
            require(config_json, "config_json");
            require(executor, "executor");
            require(wake_fd, "wake_fd");
            auto const session = std::make_shared<Session>(parseConfig(config_json));
            *executor = sessions().insert(session);
            *wake_fd = session->releaseWakeFd();
        });
}

trtllm_status trtllm_executor_submit(uint64_t executor, char const* request_json, int32_t const* tokens,
    size_t token_count, uint64_t* request_id, trtllm_error* error)
{
    return guarded(error,
        [&]
        {
            require(request_json, "request_json");
            requireFor(token_count, tokens, "tokens");
            require(request_id, "request_id");
            *request_id = sessions().find(executor)->submit(request_json, tokens, token_count);
        });
}

trtllm_status trtllm_executor_cancel(uint64_t executor, uint64_t request_id, trtllm_error* error)
{
    return guarded(error, [&] { sessions().find(executor)->cancel(request_id); });
}

trtllm_status trtllm_executor_load_lora(uint64_t executor, uint64_t task_id, char const* path, trtllm_error* error)
{
    return guarded(error,
        [&]
        {
            require(path, "path");
            sessions().find(executor)->loadLora(task_id, path);
        });
}

trtllm_status trtllm_executor_unload_lora(uint64_t executor, uint64_t task_id, trtllm_error* error)
{
    return guarded(error, [&] { sessions().find(executor)->unloadLora(task_id); });
}

trtllm_status trtllm_executor_drain(
    uint64_t executor, uint8_t* buffer, size_t capacity, size_t* written, trtllm_error* error)
{
    return guarded(error,
        [&]
        {
            requireFor(capacity, buffer, "buffer");
            require(written, "written");
            auto const drained = sessions().find(executor)->drain(buffer, capacity);
            *written = drained.bytes;
            if (!drained.fits)
            {
                tooSmall(drained.bytes, capacity);
            }
        });
}

trtllm_status trtllm_executor_iteration_stats(
    uint64_t executor, char* buffer, size_t capacity, size_t* length, trtllm_error* error)
{
    return writeText(executor, &Session::iterationStats, buffer, capacity, length, error);
}

trtllm_status trtllm_executor_request_stats(
    uint64_t executor, char* buffer, size_t capacity, size_t* length, trtllm_error* error)
{
    return writeText(executor, &Session::requestStats, buffer, capacity, length, error);
}

trtllm_status trtllm_executor_kv_events(
    uint64_t executor, char* buffer, size_t capacity, size_t* length, trtllm_error* error)
{
    return writeText(executor, &Session::kvCacheEvents, buffer, capacity, length, error);
}

trtllm_status trtllm_executor_shutdown(uint64_t executor, trtllm_error* error)
{
    return guarded(error, [&] { sessions().find(executor)->shutdown(); });
}

trtllm_status trtllm_executor_destroy(uint64_t executor, trtllm_error* error)
{
    return guarded(error, [&] { sessions().take(executor)->close(); });
}

trtllm_status trtllm_executor_tokenize(uint64_t executor, char const* text, size_t text_bytes, uint32_t flags,
    int32_t* tokens, size_t capacity, size_t* count, trtllm_error* error)
{
    return guarded(error,
        [&]
        {
            requireFor(text_bytes, text, "text");
            requireFor(capacity, tokens, "tokens");
            require(count, "count");
            constexpr auto known = TRTLLM_TOKENIZE_ADD_SPECIAL | TRTLLM_TOKENIZE_PARSE_SPECIAL;
            if ((flags & ~known) != 0)
            {
                throw StatusError(TRTLLM_ERR_INVALID_ARGUMENT,
                    "flags are " + std::to_string(flags) + "; expected TRTLLM_TOKENIZE_* only.");
            }
            auto const vocabulary = sessions().find(executor)->vocabulary();
            copyOut(vocabulary->tokenize({text, text_bytes}, (flags & TRTLLM_TOKENIZE_ADD_SPECIAL) != 0,
                        (flags & TRTLLM_TOKENIZE_PARSE_SPECIAL) != 0),
                tokens, capacity, count);
        });
}

trtllm_status trtllm_executor_token_pieces(
    uint64_t executor, uint8_t* buffer, size_t capacity, size_t* size, trtllm_error* error)
{
    return guarded(error,
        [&]
        {
            requireFor(capacity, buffer, "buffer");
            require(size, "size");
            auto const vocabulary = sessions().find(executor)->vocabulary();
            copyOut(encodePieces(vocabulary->pieces()), buffer, capacity, size);
        });
}

} // extern "C"
