// The text of TRTLLM_RECORD_READY.
#pragma once

#include "backend.h"

#include <filesystem>
#include <string>

namespace trtllm_shim
{

/// `vocabulary` may be null.
std::string readyJson(
    std::filesystem::path const& path, EngineDescription const& engine, Vocabulary const* vocabulary);

} // namespace trtllm_shim
