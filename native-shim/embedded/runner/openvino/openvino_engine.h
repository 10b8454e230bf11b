// What crosses between the executor and the library of its own that holds everything of OpenVINO, so that the shim
// loads where OpenVINO is not.
#pragma once

#include "model.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace tensorrt_llm::executor::embedded
{

struct OpenVinoOptions
{
    std::optional<SizeType32> threads;           // default: one per core
    std::optional<std::string> kvCachePrecision; // "native", "u8" or "u4"; default: "u8"
    EngineLimits limits;                         // those that the engine's files name
};

struct OpenVinoFacts
{
    std::string device;
    std::uint64_t parameterCount{0};
    std::uint64_t weightBytes{0};
    SizeType32 vocabularySize{0};
};

class OpenVinoEngine : public Model
{
public:
    [[nodiscard]] virtual OpenVinoFacts facts() const = 0;
};

using LoadProgress = std::function<bool(float)>;

/// What the library is asked. model: OpenVINO IR (its *.xml) or a GGUF. progress: called with 0 to 1, false ends the
/// load. Throws LoadError and std::invalid_argument.
using LoadOpenVino = void(std::filesystem::path const& model, OpenVinoOptions const& options,
    LoadProgress const& progress, std::shared_ptr<OpenVinoEngine>& engine);

constexpr auto kLoadOpenVino = "trtllm_openvino_load";
/// Version of OpenVINO: char const*().
constexpr auto kOpenVinoVersion = "trtllm_openvino_version";

} // namespace tensorrt_llm::executor::embedded
