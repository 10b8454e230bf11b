// From the path a user names to the files to load and the limits written beside them.
#pragma once

#include "model.h"

#include <filesystem>

namespace tensorrt_llm::executor::embedded
{

struct EngineFiles
{
    /// A model, or only the vocabulary for one of OpenVINO. Empty where there is none.
    std::filesystem::path gguf;
    /// The *.xml of OpenVINO IR. Empty where there is none.
    std::filesystem::path openvinoModel;
    EngineLimits limits; // from config.json's build_config, where the directory has one
    /// As Hugging Face's config.json names them, or an engine's in its pretrained_config.
    std::string architecture;
    std::optional<SizeType32> trainedTokens;
};

/// path: a GGUF, an *.xml of OpenVINO IR, or a directory with openvino_model.xml, one GGUF, or both. Throws LoadError.
EngineFiles findEngineFiles(std::filesystem::path const& path);

} // namespace tensorrt_llm::executor::embedded
