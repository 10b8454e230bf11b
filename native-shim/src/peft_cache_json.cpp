#include "peft_cache_json.h"

namespace trtllm_shim
{

namespace tle = tensorrt_llm::executor;

tle::PeftCacheConfig peftCacheConfig(nlohmann::json const& json)
{
    using Config = tle::PeftCacheConfig;
    JsonObject const object(json, "executor.peftCache",
        {"maxAdapterSize", "hostCacheSize", "optimalAdapterSize", "deviceCachePercent", "numHostModuleLayer",
            "numDeviceModuleLayer", "numPutWorkers", "numEnsureWorkers", "numCopyStreams", "maxPagesPerBlockHost",
            "maxPagesPerBlockDevice"});
    auto const count = [&](char const* key, std::int32_t least, std::int32_t otherwise)
    { return object.integer(key, least).value_or(otherwise); };
    auto const share = object.number("deviceCachePercent",
        [](float value) { return value > 0.0f && value < 1.0f; }, "a number above 0 and below 1");
    auto const bytes = object.unsignedInteger("hostCacheSize");
    // The class has no setters; these arguments are the same in every release.
    return Config(count("numHostModuleLayer", 0, 0), count("numDeviceModuleLayer", 0, 0),
        count("optimalAdapterSize", 1, Config::kDefaultOptimalAdapterSize),
        count("maxAdapterSize", 1, Config::kDefaultMaxAdapterSize), count("numPutWorkers", 1, 1),
        count("numEnsureWorkers", 1, 1), count("numCopyStreams", 1, 1),
        count("maxPagesPerBlockHost", 1, Config::kDefaultMaxPagesPerBlockHost),
        count("maxPagesPerBlockDevice", 1, Config::kDefaultMaxPagesPerBlockDevice), share,
        bytes ? std::optional<std::size_t>(*bytes) : std::nullopt);
}

} // namespace trtllm_shim
