// GPUs, asked of CUDA's driver, which is looked for when it is needed: without it the library still loads, and says so.
#pragma once

#include <optional>
#include <string>

namespace trtllm_shim
{

struct Gpu
{
    std::string name;
    std::string computeCapability; // such as "9.0"
};

/// The GPU with this number among the visible ones; none where there are fewer, or no driver.
std::optional<Gpu> findGpu(int number);

/// How many are visible.
int gpuCount();

} // namespace trtllm_shim
