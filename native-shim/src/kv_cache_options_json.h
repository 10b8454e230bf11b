// Options of KvCacheConfig that only TensorRT-LLM has; see executor_options_json.h.
#pragma once

#include "json_object.h"
#include "optional_setter.h"

namespace trtllm_shim
{

inline std::optional<float> properFraction(JsonObject const& object, char const* key)
{
    return object.number(
        key, [](float value) { return value > 0.0f && value < 1.0f; }, "a number above 0 and below 1");
}

/// Reads from "executor.kvCache" what `Config` may lack.
template <typename Config>
void setDeclaredKvCacheOptions(Config& config, JsonObject const& object)
{
    auto const set = [&](auto setter, auto const& value, char const* option)
    { setIfGiven(setter, config, value, option); };
    set(TRTLLM_SETTER(setMaxAttentionWindowVec),
        object.integers("maxAttentionWindow", 1, std::numeric_limits<std::int32_t>::max()),
        "kvCache.maxAttentionWindow");
    set(TRTLLM_SETTER(setSinkTokenLength), object.integer("sinkTokenLength", 1), "kvCache.sinkTokenLength");
    set(TRTLLM_SETTER(setCrossKvCacheFraction), properFraction(object, "crossKvCacheFraction"),
        "kvCache.crossKvCacheFraction");
    set(TRTLLM_SETTER(setUseUvm), object.boolean("useUvm"), "kvCache.useUvm");
    set(TRTLLM_SETTER(setAttentionDpEventsGatherPeriodMs), object.integer("attentionDpEventsGatherPeriodMs", 1),
        "kvCache.attentionDpEventsGatherPeriodMs");
    set(TRTLLM_SETTER(setMaxGpuTotalBytes), object.unsignedInteger("maxGpuTotalBytes"), "kvCache.maxGpuTotalBytes");
}

} // namespace trtllm_shim
