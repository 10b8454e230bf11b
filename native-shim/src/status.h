// The one exception that the shim turns into a chosen status; any other becomes TRTLLM_ERR_EXECUTOR.
#pragma once

#include "trtllm_shim.h"

#include <stdexcept>
#include <string>

namespace trtllm_shim
{

class StatusError : public std::runtime_error
{
public:
    StatusError(trtllm_status status, std::string const& message)
        : std::runtime_error(message)
        , mStatus(status)
    {
    }

    [[nodiscard]] trtllm_status status() const noexcept
    {
        return mStatus;
    }

private:
    trtllm_status mStatus;
};

} // namespace trtllm_shim
