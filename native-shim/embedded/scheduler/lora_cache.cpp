#include "scheduler/lora_cache.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace tensorrt_llm::executor::embedded
{

LoraCache::LoraCache(ModelRunner& runner, std::size_t capacity)
    : mRunner(runner)
    , mCapacity(capacity)
{
}

bool LoraCache::Entry::isFree() const
{
    return adapter.use_count() == 1;
}

std::size_t LoraCache::bytes(bool ofFreeToo) const
{
    std::size_t sum = 0;
    for (auto const& entry : mEntries)
    {
        sum += ofFreeToo || !entry.isFree() ? entry.bytes : 0;
    }
    return sum;
}

LoraCache::Adapter LoraCache::acquire(LoraConfig const& config)
{
    auto const taskId = config.getTaskId();
    auto const found = std::find_if(
        mEntries.begin(), mEntries.end(), [&](Entry const& entry) { return entry.taskId == taskId; });
    if (found != mEntries.end())
    {
        mEntries.splice(mEntries.begin(), mEntries, found);
        return found->adapter;
    }
    if (!config.getWeights() || !config.getConfig())
    {
        // TensorRT-LLM's own words, by which callers know the case.
        throw std::runtime_error("LoRA task " + std::to_string(taskId)
            + " not found in cache. Please send LoRA weights with request");
    }
    auto const needed = config.getWeights()->getSizeInBytes();
    if (needed > mCapacity)
    {
        throw std::runtime_error("PEFT Cache is full. Could not store taskId=" + std::to_string(taskId) + ": it has "
            + std::to_string(needed) + " bytes, and the cache " + std::to_string(mCapacity) + " (hostCacheSize)");
    }
    if (bytes(false) + needed > mCapacity)
    {
        return nullptr;
    }
    for (auto entry = mEntries.end(); bytes(true) + needed > mCapacity;)
    {
        --entry;
        entry = entry->isFree() ? mEntries.erase(entry) : entry;
    }
    mEntries.push_front({taskId, mRunner.loadLora(config), needed});
    return mEntries.front().adapter;
}

} // namespace tensorrt_llm::executor::embedded
