// Turns exceptions into statuses. Nothing here allocates, so that it works when memory has run out.
#pragma once

#include "trtllm_shim.h"

#include <string_view>

namespace trtllm_shim
{

/// The message is cut to fit.
trtllm_error failure(trtllm_status status, std::string_view message) noexcept;

/// Of the exception being handled: call it in a catch block only.
trtllm_error currentFailure() noexcept;

} // namespace trtllm_shim
