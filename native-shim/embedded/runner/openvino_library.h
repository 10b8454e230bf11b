// OpenVINO, where it is: the library with its runner is loaded when it is first asked for, and stays.
#pragma once

#include "runner/openvino/openvino_engine.h"

namespace tensorrt_llm::executor::embedded
{

/// None where the library, OpenVINO or something that they need is not there.
std::optional<std::string> openVinoVersion();

/// As LoadOpenVino says; LoadError where there is no OpenVINO.
std::shared_ptr<OpenVinoEngine> loadOpenVino(
    std::filesystem::path const& model, OpenVinoOptions const& options, LoadProgress const& progress);

} // namespace tensorrt_llm::executor::embedded
