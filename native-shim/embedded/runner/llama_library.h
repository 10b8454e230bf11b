// llama.cpp's process-wide state.
#pragma once

#include <cstdint>
#include <string>

namespace tensorrt_llm::executor::embedded
{

/// Finds the kernels for this CPU beside the shared library this code is in. Once a process.
void initializeLlama();

struct ComputeDevice
{
    std::string name;
    bool isGpu;
    /// Bytes; 0 where the device does not tell.
    std::uint64_t freeMemory;
    std::uint64_t totalMemory;
};

/// What models are computed on: the first GPU that there are libraries for, else the CPU.
ComputeDevice computeDevice();

/// Collects what llama.cpp logs as errors on this thread while it lives; otherwise llama.cpp is silent.
class LlamaErrors
{
public:
    LlamaErrors();
    ~LlamaErrors();
    LlamaErrors(LlamaErrors const&) = delete;
    LlamaErrors& operator=(LlamaErrors const&) = delete;

    /// One line; empty where there was none.
    [[nodiscard]] std::string text() const;

private:
    std::string mText;
};

} // namespace tensorrt_llm::executor::embedded
