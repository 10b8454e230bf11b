// LoRA adapters that are loaded, by task id.
#pragma once

#include "runner/model_runner.h"
#include "tensorrt_llm/executor/executor.h"

#include <cstddef>
#include <list>
#include <memory>

namespace tensorrt_llm::executor::embedded
{

/// Bounded by the bytes of the weights as they came. Those that no request holds go, the least recently used first.
class LoraCache
{
public:
    using Adapter = std::shared_ptr<LoraAdapter const>;

    LoraCache(ModelRunner& runner, std::size_t capacity);

    /// The adapter, which stays loaded as long as it is held; null: no room before those that hold others have ended.
    /// Throws std::exception where its weights are neither cached nor given, or cannot be loaded.
    [[nodiscard]] Adapter acquire(LoraConfig const& config);

private:
    struct Entry
    {
        runtime::LoraTaskIdType taskId;
        Adapter adapter;
        std::size_t bytes;

        [[nodiscard]] bool isFree() const;
    };

    [[nodiscard]] std::size_t bytes(bool ofFreeToo) const;

    ModelRunner& mRunner;
    std::size_t mCapacity;
    std::list<Entry> mEntries; // most recently used first
};

} // namespace tensorrt_llm::executor::embedded
