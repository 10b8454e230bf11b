#include "failure.h"

#include "status.h"
#include "text.h"

#include <cstring>
#include <new>

namespace trtllm_shim
{

trtllm_error failure(trtllm_status status, std::string_view message) noexcept
{
    auto const kept = cutUtf8(message, TRTLLM_ERROR_MESSAGE_BYTES - 1);
    trtllm_error error{};
    error.code = status;
    std::memcpy(error.message, kept.data(), kept.size());
    return error;
}

trtllm_error currentFailure() noexcept
{
    try
    {
        throw;
    }
    catch (StatusError const& error)
    {
        return failure(error.status(), error.what());
    }
    catch (std::bad_alloc const&)
    {
        return failure(TRTLLM_ERR_OUT_OF_MEMORY, "Memory has run out. Free some, or load a smaller engine.");
    }
    catch (std::exception const& error)
    {
        return failure(TRTLLM_ERR_EXECUTOR, error.what());
    }
    catch (...)
    {
        return failure(TRTLLM_ERR_EXECUTOR, "The executor threw something that is no std::exception.");
    }
}

} // namespace trtllm_shim
