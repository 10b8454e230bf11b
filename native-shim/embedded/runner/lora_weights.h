// What a LoRA adapter of TensorRT-LLM's form changes.
#pragma once

#include "tensorrt_llm/executor/executor.h"

#include <map>
#include <utility>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

/// TensorRT-LLM's numbers.
enum class LoraModule : SizeType32
{
    kATTN_Q = 1,
    kATTN_K = 2,
    kATTN_V = 3,
    kATTN_DENSE = 4,
    kMLP_H_TO_4H = 5, // the gate, where there is one
    kMLP_4H_TO_H = 6,
    kMLP_GATE = 7, // what the gate is multiplied with: "up"
};

/// A matrix of the model.
struct LoraTarget
{
    SizeType32 layer;
    LoraModule module;

    [[nodiscard]] bool operator<(LoraTarget const& other) const
    {
        return std::pair(layer, module) < std::pair(other.layer, other.module);
    }
};

struct LoraShape
{
    SizeType32 in;
    SizeType32 out;
};

/// The matrices that an adapter may change.
using LoraShapes = std::map<LoraTarget, LoraShape>;

/// What is added to a matrix: out * in.
struct LoraWeights
{
    LoraTarget target;
    LoraShape shape;
    SizeType32 rank;
    float const* in;  // [rank, shape.in]
    float const* out; // [shape.out, rank]
};

/// Refers to the weights of `config`. Throws std::invalid_argument where they are not those of such a model.
[[nodiscard]] std::vector<LoraWeights> loraWeights(
    LoraConfig const& config, LoraShapes const& shapes, SizeType32 maxRank);

} // namespace tensorrt_llm::executor::embedded
