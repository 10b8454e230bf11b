#include "runner/lora_weights.h"

#include <stdexcept>
#include <string>

namespace tensorrt_llm::executor::embedded
{

namespace
{

// Columns of the config.
constexpr std::size_t kModule = 0;
constexpr std::size_t kLayer = 1;
constexpr std::size_t kRank = 2;
constexpr std::size_t kIsDora = 3;

void checkTensors(Tensor const& weights, Tensor const& config)
{
    auto const columns = config.getShape()[1];
    if (weights.getDataType() != DataType::kFP32)
    {
        throw std::invalid_argument("LoRA weights must be of kFP32");
    }
    if (columns != kIsDora && columns != kIsDora + 1)
    {
        throw std::invalid_argument("a LoRA config has 3 or 4 columns, not " + std::to_string(columns));
    }
    if (config.getShape()[0] != weights.getShape()[0] || weights.getShape()[0] == 0)
    {
        throw std::invalid_argument("LoRA weights have " + std::to_string(weights.getShape()[0])
            + " rows and their config has " + std::to_string(config.getShape()[0])
            + "; both have one for each matrix that they change");
    }
}

} // namespace

std::vector<LoraWeights> loraWeights(LoraConfig const& lora, LoraShapes const& shapes, SizeType32 maxRank)
{
    auto const weights = *lora.getWeights();
    auto const config = *lora.getConfig();
    checkTensors(weights, config);
    auto const columns = static_cast<std::size_t>(config.getShape()[1]);
    auto const width = weights.getShape()[1];
    auto const* row = static_cast<std::int32_t const*>(config.getData());
    auto const* values = static_cast<float const*>(weights.getData());
    std::vector<LoraWeights> all;
    for (Shape::DimType64 index = 0; index < config.getShape()[0]; ++index, row += columns, values += width)
    {
        auto const name = "module " + std::to_string(row[kModule]) + " of layer " + std::to_string(row[kLayer]);
        LoraTarget const target{row[kLayer], static_cast<LoraModule>(row[kModule])};
        auto const shape = shapes.find(target);
        if (shape == shapes.end())
        {
            throw std::invalid_argument("LoRA weights are for " + name + ", which this model does not have");
        }
        auto const rank = row[kRank];
        if (rank < 1 || rank > maxRank)
        {
            throw std::invalid_argument("the rank of " + name + " is " + std::to_string(rank) + "; it must be 1 to "
                + std::to_string(maxRank) + " (maxAdapterSize)");
        }
        if (columns > kIsDora && row[kIsDora] != 0)
        {
            throw std::invalid_argument("DoRA is not supported");
        }
        auto const [in, out] = shape->second;
        auto const needed = static_cast<Shape::DimType64>(rank) * (in + out);
        if (needed > width)
        {
            throw std::invalid_argument("LoRA weights of " + name + " are " + std::to_string(width) + " numbers; rank "
                + std::to_string(rank) + " of a matrix from " + std::to_string(in) + " to " + std::to_string(out)
                + " takes " + std::to_string(needed));
        }
        all.push_back({target, shape->second, rank, values, values + static_cast<std::ptrdiff_t>(rank) * in});
    }
    return all;
}

} // namespace tensorrt_llm::executor::embedded
