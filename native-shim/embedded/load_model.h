// From the path a user names to a model on the runner that computes it.
#pragma once

#include "runner/llama_model.h"

#include <filesystem>
#include <optional>
#include <string>

namespace tensorrt_llm::executor::embedded
{

struct LoadOptions : LlamaOptions
{
    enum class Runner
    {
        kAUTO, // the faster of those that the engine and this machine allow
        kLLAMA_CPP,
        kOPENVINO
    };

    Runner runner{Runner::kAUTO};
    /// Requests at once, where that is known: alone a request is faster on llama.cpp.
    std::optional<SizeType32> maxBatchSize;
    /// Of keys and values, on OpenVINO only: "native" (bf16 or f32, as the CPU computes), "u8" (default) or "u4".
    std::optional<std::string> kvCachePrecision;
};

struct ModelDescription
{
    std::string format; // "gguf" or "openvino"
    std::string name;
    std::string architecture;
    std::string device;
    std::uint64_t parameterCount{0};
    std::uint64_t weightBytes{0};
    SizeType32 vocabularySize{0};
};

struct LoadedModel
{
    std::shared_ptr<Model> model;
    ModelDescription description;
    LlamaModelPtr vocabulary; // null where there is no GGUF
};

/// Blocks. path: a GGUF, OpenVINO IR (its *.xml), or a directory with one or both. progress: called with 0 to 1, false
/// ends the load. Throws LoadError and std::invalid_argument.
LoadedModel loadModel(
    std::filesystem::path const& path, LoadOptions const& options, std::function<bool(float)> const& progress);

} // namespace tensorrt_llm::executor::embedded
