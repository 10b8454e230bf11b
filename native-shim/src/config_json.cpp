#include "config_json.h"

#include "backend.h"
#include "json_object.h"
#include "kv_cache_json.h"

namespace trtllm_shim
{

namespace
{

namespace tle = tensorrt_llm::executor;

tle::CapacitySchedulerPolicy schedulerPolicy(JsonObject const& object)
{
    constexpr auto key = "schedulerPolicy";
    auto const name = object.string(key).value_or("GUARANTEED_NO_EVICT");
    if (name == "GUARANTEED_NO_EVICT")
    {
        return tle::CapacitySchedulerPolicy::kGUARANTEED_NO_EVICT;
    }
    if (name == "MAX_UTILIZATION")
    {
        return tle::CapacitySchedulerPolicy::kMAX_UTILIZATION;
    }
    if (name == "STATIC_BATCH")
    {
        return tle::CapacitySchedulerPolicy::kSTATIC_BATCH;
    }
    object.refuse(key, name, "\"GUARANTEED_NO_EVICT\", \"MAX_UTILIZATION\" or \"STATIC_BATCH\"");
}

std::optional<tle::ContextChunkingPolicy> chunkingPolicy(JsonObject const& object)
{
    constexpr auto key = "contextChunkingPolicy";
    auto const name = object.string(key);
    if (!name)
    {
        return std::nullopt;
    }
    if (*name == "FIRST_COME_FIRST_SERVED")
    {
        return tle::ContextChunkingPolicy::kFIRST_COME_FIRST_SERVED;
    }
    if (*name == "EQUAL_PROGRESS")
    {
        return tle::ContextChunkingPolicy::kEQUAL_PROGRESS;
    }
    object.refuse(key, *name, "\"FIRST_COME_FIRST_SERVED\" or \"EQUAL_PROGRESS\"");
}

tle::ExecutorConfig executorConfig(nlohmann::json const& json)
{
    JsonObject const object(json, "executor",
        {"maxBatchSize", "maxNumTokens", "maxQueueSize", "schedulerPolicy", "contextChunkingPolicy",
            "iterStatsMaxIterations", "requestStatsMaxIterations", "gatherGenerationLogits",
            "kvCache"});
    tle::ExecutorConfig config;
    // For prompts above maxNumTokens, and for streaming requests under MAX_UTILIZATION.
    config.setEnableChunkedContext(true);
    config.setSchedulerConfig(tle::SchedulerConfig(schedulerPolicy(object), chunkingPolicy(object)));
    if (auto const maxBatchSize = object.integer("maxBatchSize", 1))
    {
        config.setMaxBatchSize(*maxBatchSize);
    }
    if (auto const maxNumTokens = object.integer("maxNumTokens", 1))
    {
        config.setMaxNumTokens(*maxNumTokens);
    }
    if (auto const maxQueueSize = object.integer("maxQueueSize", 1))
    {
        config.setMaxQueueSize(*maxQueueSize);
    }
    if (auto const iterations = object.integer("iterStatsMaxIterations", 0))
    {
        config.setIterStatsMaxIterations(*iterations);
    }
    config.setGatherGenerationLogits(object.boolean("gatherGenerationLogits").value_or(true));
    if (auto const iterations = object.integer("requestStatsMaxIterations", 0))
    {
        config.setRequestStatsMaxIterations(*iterations);
    }
    if (auto const* kvCache = object.find("kvCache"))
    {
        config.setKvCacheConfig(kvCacheConfig(*kvCache));
    }
    return config;
}

} // namespace

SessionConfig parseConfig(std::string_view json)
{
    return readJson(json, "executor's configuration",
        [](nlohmann::json const& document)
        {
            JsonObject const object(document, "", {"engine", "executor", backendName()});
            auto const engine = object.string("engine").value_or("");
            // A path ends at its first NUL, and what comes before it is not what was asked for.
            if (engine.empty() || engine.find('\0') != std::string::npos)
            {
                throw StatusError(TRTLLM_ERR_INVALID_ARGUMENT,
                    "\"engine\" is missing or no path; expected the path of an engine file or directory.");
            }
            auto const empty = nlohmann::json::object();
            auto const* executor = object.find("executor");
            auto const* options = object.find(backendName());
            if (options != nullptr && !options->is_object())
            {
                object.refuse(backendName(), *options, "an object");
            }
            return SessionConfig{std::filesystem::path(engine), executorConfig(executor ? *executor : empty),
                options ? *options : empty};
        });
}

} // namespace trtllm_shim
