// Reads a script strictly: what is unknown, of the wrong type or out of range is TRTLLM_ERR_INVALID_ARGUMENT.
#pragma once

#include "script.h"

#include <nlohmann/json_fwd.hpp>

namespace synthetic
{

Script parseScript(nlohmann::json const& options);

} // namespace synthetic
