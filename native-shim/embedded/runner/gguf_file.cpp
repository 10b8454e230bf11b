#include "runner/gguf_file.h"

#include "load_error.h"
#include "runner/llama_lora.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <gguf.h>
#include <memory>

namespace tensorrt_llm::executor::embedded
{

namespace
{

using Gguf = std::unique_ptr<gguf_context, decltype(&gguf_free)>;

/// Null where the header is damaged.
Gguf readHeader(std::filesystem::path const& file)
{
    return {gguf_init_from_file(file.c_str(), {/*no_alloc=*/true, /*ctx=*/nullptr}), gguf_free};
}

LoraShapes loraShapes(gguf_context const* gguf)
{
    constexpr std::array kModules{LoraModule::kATTN_Q, LoraModule::kATTN_K, LoraModule::kATTN_V,
        LoraModule::kATTN_DENSE, LoraModule::kMLP_H_TO_4H, LoraModule::kMLP_4H_TO_H, LoraModule::kMLP_GATE};
    LoraShapes shapes;
    for (SizeType32 layer = 0;; ++layer)
    {
        auto const before = shapes.size();
        for (auto const module : kModules)
        {
            LoraTarget const target{layer, module};
            auto const index = gguf_find_tensor(gguf, ggufName(target).c_str());
            if (index >= 0)
            {
                auto const* const sizes = gguf_get_tensor_ne(gguf, index);
                shapes[target] = {static_cast<SizeType32>(sizes[0]), static_cast<SizeType32>(sizes[1])};
            }
        }
        if (shapes.size() == before)
        {
            return shapes;
        }
    }
}

} // namespace

bool ggufHoldsWeights(std::filesystem::path const& file)
{
    auto const gguf = readHeader(file);
    return gguf && gguf_get_n_tensors(gguf.get()) > 0;
}

LoraShapes checkGgufFile(std::filesystem::path const& file)
{
    using Kind = LoadError::Kind;

    std::ifstream stream(file, std::ios::binary);
    if (!stream)
    {
        throw LoadError(Kind::kNOT_FOUND, file.string() + " cannot be opened: " + std::strerror(errno));
    }
    std::array<char, 4> magic{};
    stream.read(magic.data(), magic.size());
    if (std::memcmp(magic.data(), GGUF_MAGIC, magic.size()) != 0)
    {
        throw LoadError(Kind::kCORRUPT, file.string() + " is no GGUF model: it does not begin with \"GGUF\"");
    }

    auto const gguf = readHeader(file);
    if (!gguf)
    {
        throw LoadError(Kind::kCORRUPT, file.string() + ": the GGUF header is damaged or cut off; fetch the file again");
    }
    std::uint64_t end = gguf_get_data_offset(gguf.get());
    for (std::int64_t i = 0; i < gguf_get_n_tensors(gguf.get()); ++i)
    {
        end = std::max<std::uint64_t>(end,
            gguf_get_data_offset(gguf.get()) + gguf_get_tensor_offset(gguf.get(), i)
                + gguf_get_tensor_size(gguf.get(), i));
    }
    auto const size = std::filesystem::file_size(file);
    if (size < end)
    {
        throw LoadError(Kind::kCORRUPT,
            file.string() + " is cut off: it has " + std::to_string(size) + " bytes, its header names "
                + std::to_string(end) + "; fetch the file again");
    }
    return loraShapes(gguf.get());
}

} // namespace tensorrt_llm::executor::embedded
