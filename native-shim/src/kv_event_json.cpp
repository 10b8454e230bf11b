#include "kv_event_json.h"

#include <nlohmann/json.hpp>
#include <variant>

namespace trtllm_shim
{

namespace
{

namespace tle = tensorrt_llm::executor;
using nlohmann::json;

std::string hashText(tle::IdType hash)
{
    return std::to_string(hash);
}

void fill(json& event, tle::KVCacheCreatedData const& data)
{
    event["type"] = "created";
    event["numBlocksPerCacheLevel"] = data.numBlocksPerCacheLevel;
}

void fill(json& event, tle::KVCacheStoredData const& data)
{
    event["type"] = "stored";
    if (data.parentHash)
    {
        event["parentHash"] = hashText(*data.parentHash);
    }
    event["blocks"] = json::array();
    for (auto const& block : data.blocks)
    {
        json stored = {{"blockHash", hashText(block.blockHash)}, {"tokens", json::array()},
            {"cacheLevel", block.cacheLevel}, {"priority", block.priority}};
        for (auto const& token : block.tokens)
        {
            stored["tokens"].push_back(token.tokenId);
        }
        if (block.loraId)
        {
            stored["loraId"] = hashText(*block.loraId);
        }
        event["blocks"].push_back(std::move(stored));
    }
}

void fill(json& event, tle::KVCacheRemovedData const& data)
{
    event["type"] = "removed";
    event["blockHashes"] = json::array();
    for (auto const hash : data.blockHashes)
    {
        event["blockHashes"].push_back(hashText(hash));
    }
}

/// Either change may be absent.
void fill(json& event, tle::KVCacheUpdatedData const& data)
{
    event["type"] = "updated";
    event["blockHash"] = hashText(data.blockHash);
    if (data.cacheLevel)
    {
        event["cacheLevel"] = {{"oldValue", data.cacheLevel->oldValue}, {"newValue", data.cacheLevel->newValue}};
    }
    if (data.priority)
    {
        event["priority"] = {{"oldValue", data.priority->oldValue}, {"newValue", data.priority->newValue}};
    }
}

} // namespace

std::string toJson(tle::KVCacheEvent const& event)
{
    json result = {{"eventId", event.eventId}, {"windowSize", event.windowSize}};
    std::visit([&](auto const& data) { fill(result, data); }, event.data);
    return result.dump();
}

} // namespace trtllm_shim
