#include "runner/openvino/kv_blocks.h"

#include <cstring>
#include <new>
#include <string>
#include <sys/mman.h>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

namespace
{

bool isKvInput(ov::Output<ov::Node const> const& port)
{
    auto const name = port.get_any_name();
    return name.rfind("key_cache.", 0) == 0 || name.rfind("value_cache.", 0) == 0;
}

ov::Shape shapeOf(KvInput const& input, std::size_t blocks)
{
    auto shape = input.port.get_partial_shape();
    shape[0] = static_cast<std::int64_t>(blocks);
    return shape.to_shape();
}

} // namespace

std::vector<KvInput> kvInputs(ov::CompiledModel const& model)
{
    std::vector<KvInput> inputs;
    for (auto const& port : model.inputs())
    {
        if (isKvInput(port))
        {
            KvInput input{port, 0};
            input.bytesPerBlock = ov::shape_size(shapeOf(input, 1)) * port.get_element_type().bitwidth() / 8;
            inputs.push_back(std::move(input));
        }
    }
    return inputs;
}

void KvBlocks::Unmap::operator()(std::byte* memory) const
{
    munmap(memory, bytes);
}

KvBlocks::KvBlocks(std::vector<KvInput> inputs, SizeType32 blocks)
    : mInputs(std::move(inputs))
    , mBlocks(static_cast<std::size_t>(blocks))
{
    for (auto const& input : mInputs)
    {
        auto const bytes = input.bytesPerBlock * mBlocks;
        auto* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
        {
            throw std::bad_alloc();
        }
        mMemory.push_back({static_cast<std::byte*>(memory), Unmap{bytes}});
    }
}

void KvBlocks::attach(ov::InferRequest& request) const
{
    for (std::size_t i = 0; i < mInputs.size(); ++i)
    {
        auto const& input = mInputs[i];
        request.set_tensor(
            input.port, ov::Tensor(input.port.get_element_type(), shapeOf(input, mBlocks), mMemory[i].get()));
    }
}

void KvBlocks::copy(BlockId from, BlockId to) const
{
    for (std::size_t i = 0; i < mInputs.size(); ++i)
    {
        auto const bytes = mInputs[i].bytesPerBlock;
        auto* const memory = mMemory[i].get();
        std::memcpy(memory + static_cast<std::size_t>(to) * bytes, memory + static_cast<std::size_t>(from) * bytes, bytes);
    }
}

} // namespace tensorrt_llm::executor::embedded
