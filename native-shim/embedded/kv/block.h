// A KV block and its place in the tree of what can be reused.
#pragma once

#include "runner/model_runner.h"
#include "tensorrt_llm/executor/executor.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>

namespace tensorrt_llm::executor::embedded
{

/// TensorRT-LLM's cache levels.
constexpr SizeType32 kPrimaryLevel = 0;
constexpr SizeType32 kSecondaryLevel = 1;

/// Blocks are shared only where these are equal.
struct ReuseDomain
{
    std::optional<CacheSaltIDType> cacheSaltID;
    std::optional<std::uint64_t> loraTaskId;

    [[nodiscard]] bool operator<(ReuseDomain const& other) const
    {
        return cacheSaltID != other.cacheSaltID ? cacheSaltID < other.cacheSaltID : loraTaskId < other.loraTaskId;
    }

    [[nodiscard]] bool operator==(ReuseDomain const& other) const
    {
        return cacheSaltID == other.cacheSaltID && loraTaskId == other.loraTaskId;
    }
};

struct Block;
using BlockPtr = std::shared_ptr<Block>;

/// A node of the tree: its path from the root is the beginning of a prompt or answer. The roots are nodes
/// without content, one for each ReuseDomain.
struct Block
{
    using TimePoint = std::chrono::steady_clock::time_point;

    BlockId id{-1}; // -1: a root
    SizeType32 level{kPrimaryLevel};
    SizeType32 references{0}; // sequences that use it
    RetentionPriority priority{KvCacheRetentionConfig::kDefaultRetentionPriority};
    std::optional<MillisecondsType> duration; // of the priority, from the last release on

    // In the tree only.
    Block* parent{nullptr};
    VecTokens tokens;
    std::uint64_t hash{0};
    ReuseDomain domain;
    std::map<VecTokens, BlockPtr> children;
    std::array<SizeType32, 2> childrenAt{0, 0}; // by level

    // While it is free only.
    std::uint64_t releaseOrder{0};
    std::optional<TimePoint> expiration;

    [[nodiscard]] bool isRoot() const
    {
        return id < 0;
    }

    [[nodiscard]] bool inTree() const
    {
        return parent != nullptr;
    }

    [[nodiscard]] bool isLeaf() const
    {
        return children.empty();
    }
};

/// Of a block by its tokens and its parent's hash; the domain counts in the first block of a sequence.
[[nodiscard]] std::uint64_t blockHash(VecTokens const& tokens, std::uint64_t parentHash, ReuseDomain const& domain);

} // namespace tensorrt_llm::executor::embedded
