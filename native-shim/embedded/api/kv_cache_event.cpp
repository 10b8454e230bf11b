#include "tensorrt_llm/executor/executor.h"

#include <utility>

namespace tensorrt_llm::executor
{

KVCacheStoredBlockData::KVCacheStoredBlockData(IdType hash, runtime::VecUniqueTokens blockTokens,
    std::optional<runtime::LoraTaskIdType> lora, SizeType32 level, SizeType32 retentionPriority)
    : blockHash(hash)
    , tokens(std::move(blockTokens))
    , loraId(lora)
    , cacheLevel(level)
    , priority(retentionPriority)
{
}

KVCacheUpdatedData::KVCacheUpdatedData(IdType hash)
    : blockHash(hash)
{
}

KVCacheUpdatedData& KVCacheUpdatedData::cacheLevelUpdated(SizeType32 oldValue, SizeType32 newValue)
{
    cacheLevel = KVCacheEventDiff<SizeType32>{oldValue, newValue};
    return *this;
}

KVCacheUpdatedData& KVCacheUpdatedData::priorityUpdated(SizeType32 oldValue, SizeType32 newValue)
{
    priority = KVCacheEventDiff<SizeType32>{oldValue, newValue};
    return *this;
}

KVCacheEvent::KVCacheEvent(IdType id, KVCacheEventData eventData, SizeType32 window)
    : eventId(id)
    , data(std::move(eventData))
    , windowSize(window)
{
}

} // namespace tensorrt_llm::executor
