// From the path a user names to the GGUF to load and the limits written beside it.
#pragma once

#include "model.h"

#include <filesystem>

namespace tensorrt_llm::executor::embedded
{

struct EngineFiles
{
    std::filesystem::path gguf;
    EngineLimits limits; // from config.json's build_config, where the directory has one
};

/// path: a GGUF file, or a directory with exactly one. Throws LoadError.
EngineFiles findEngineFiles(std::filesystem::path const& path);

} // namespace tensorrt_llm::executor::embedded
