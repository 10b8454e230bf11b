#include "kv_cache_json.h"

#include "kv_cache_options_json.h"

namespace trtllm_shim
{

namespace
{

namespace tle = tensorrt_llm::executor;
using Retention = tle::KvCacheRetentionConfig;

std::optional<tle::RetentionPriority> priority(JsonObject const& object, char const* key)
{
    return object.integer(key, Retention::kMinRetentionPriority, Retention::kMaxRetentionPriority);
}

std::optional<std::chrono::milliseconds> duration(JsonObject const& object, char const* key)
{
    auto const value = object.integer(key, 1);
    return value ? std::optional(std::chrono::milliseconds(*value)) : std::nullopt;
}

Retention::TokenRangeRetentionConfig tokenRange(nlohmann::json const& json)
{
    JsonObject const object(json, "kvCacheRetention.tokenRanges", {"start", "end", "priority", "durationMs"});
    return Retention::TokenRangeRetentionConfig(object.integer("start", 0).value_or(0), object.integer("end", 1),
        priority(object, "priority").value_or(Retention::kDefaultRetentionPriority), duration(object, "durationMs"));
}

Retention retention(nlohmann::json const& json)
{
    JsonObject const object(json, "kvCacheRetention", {"tokenRanges", "decodePriority", "decodeDurationMs"});
    std::vector<Retention::TokenRangeRetentionConfig> ranges;
    if (auto const* list = object.find("tokenRanges"))
    {
        if (!list->is_array())
        {
            object.refuse("tokenRanges", *list, "an array of objects");
        }
        for (auto const& range : *list)
        {
            ranges.push_back(tokenRange(range));
        }
    }
    return Retention(ranges, priority(object, "decodePriority").value_or(Retention::kDefaultRetentionPriority),
        duration(object, "decodeDurationMs"));
}

} // namespace

tle::KvCacheConfig kvCacheConfig(nlohmann::json const& json)
{
    JsonObject const object(json, "executor.kvCache",
        {"maxTokens", "freeGpuMemoryFraction", "hostCacheSize", "enableBlockReuse", "enablePartialReuse",
            "copyOnPartialReuse", "onboardBlocks", "secondaryOffloadMinPriority", "eventBufferMaxSize",
            "maxAttentionWindow", "sinkTokenLength", "crossKvCacheFraction", "useUvm",
            "attentionDpEventsGatherPeriodMs", "maxGpuTotalBytes"});
    tle::KvCacheConfig config;
    if (auto const maxTokens = object.integer("maxTokens", 1))
    {
        config.setMaxTokens(*maxTokens);
    }
    if (auto const fraction = properFraction(object, "freeGpuMemoryFraction"))
    {
        config.setFreeGpuMemoryFraction(*fraction);
    }
    if (auto const bytes = object.unsignedInteger("hostCacheSize"))
    {
        config.setHostCacheSize(*bytes);
    }
    if (auto const enableBlockReuse = object.boolean("enableBlockReuse"))
    {
        config.setEnableBlockReuse(*enableBlockReuse);
    }
    if (auto const enablePartialReuse = object.boolean("enablePartialReuse"))
    {
        config.setEnablePartialReuse(*enablePartialReuse);
    }
    if (auto const copyOnPartialReuse = object.boolean("copyOnPartialReuse"))
    {
        config.setCopyOnPartialReuse(*copyOnPartialReuse);
    }
    // Removed from the main line in 2026.
    setIfGiven(TRTLLM_SETTER(setOnboardBlocks), config, object.boolean("onboardBlocks"), "onboardBlocks");
    if (auto const least = priority(object, "secondaryOffloadMinPriority"))
    {
        config.setSecondaryOffloadMinPriority(*least);
    }
    if (auto const events = object.integer("eventBufferMaxSize", 0))
    {
        config.setEventBufferMaxSize(static_cast<std::size_t>(*events));
    }
    setDeclaredKvCacheOptions(config, object);
    return config;
}

void setReuse(tle::Request& request, JsonObject const& object)
{
    // Added on the way to 1.1.
    setIfGiven(TRTLLM_SETTER(setCacheSaltID), request, object.unsignedInteger("cacheSaltId"), "cacheSaltId");
    if (auto const* config = object.find("kvCacheRetention"))
    {
        request.setKvCacheRetentionConfig(retention(*config));
    }
}

} // namespace trtllm_shim
