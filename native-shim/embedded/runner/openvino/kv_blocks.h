// The memory of the KV blocks: what the block manager counts, as the CPU plugin lays it out.
#pragma once

#include "runner/model_runner.h"

#include <memory>
#include <openvino/runtime/compiled_model.hpp>
#include <openvino/runtime/infer_request.hpp>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

/// Tokens in a block of the CPU plugin's paged attention.
constexpr SizeType32 kOpenVinoTokensPerBlock = 32;

/// Keys or values of one layer: an input of the compiled model, its first dimension is that of the blocks.
struct KvInput
{
    ov::Output<ov::Node const> port;
    std::size_t bytesPerBlock;
};

/// Of a compiled model with paged attention.
std::vector<KvInput> kvInputs(ov::CompiledModel const& model);

/// Blocks of every layer, host's pool behind the primary one. Memory is taken as blocks are first written.
class KvBlocks
{
public:
    /// Throws std::bad_alloc.
    KvBlocks(std::vector<KvInput> inputs, SizeType32 blocks);

    /// The request reads and writes this memory from now on.
    void attach(ov::InferRequest& request) const;
    void copy(BlockId from, BlockId to) const;

private:
    struct Unmap
    {
        std::size_t bytes;
        void operator()(std::byte* memory) const;
    };

    std::vector<KvInput> mInputs;
    std::size_t mBlocks;
    std::vector<std::unique_ptr<std::byte, Unmap>> mMemory; // one for each input
};

} // namespace tensorrt_llm::executor::embedded
