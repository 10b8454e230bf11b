#include "config_json.h"

#include "backend.h"
#include "executor_options_json.h"
#include "json_object.h"
#include "kv_cache_json.h"
#include "peft_cache_json.h"

namespace trtllm_shim
{

namespace
{

namespace tle = tensorrt_llm::executor;

tle::SchedulerConfig scheduler(JsonObject const& object)
{
    using Policy = tle::CapacitySchedulerPolicy;
    using Chunking = tle::ContextChunkingPolicy;
    constexpr std::pair<char const*, Policy> policies[]{{"GUARANTEED_NO_EVICT", Policy::kGUARANTEED_NO_EVICT},
        {"MAX_UTILIZATION", Policy::kMAX_UTILIZATION}, {"STATIC_BATCH", Policy::kSTATIC_BATCH}};
    constexpr std::pair<char const*, Chunking> chunkings[]{
        {"FIRST_COME_FIRST_SERVED", Chunking::kFIRST_COME_FIRST_SERVED}, {"EQUAL_PROGRESS", Chunking::kEQUAL_PROGRESS}};
    return schedulerConfig<tle::SchedulerConfig>(
        oneOf(object, "schedulerPolicy", policies).value_or(Policy::kGUARANTEED_NO_EVICT),
        oneOf(object, "contextChunkingPolicy", chunkings), object);
}

tle::ExecutorConfig executorConfig(nlohmann::json const& json)
{
    JsonObject const object(json, "executor",
        {"maxBatchSize", "maxBeamWidth", "maxNumTokens", "maxQueueSize", "schedulerPolicy",
            "contextChunkingPolicy", "iterStatsMaxIterations", "requestStatsMaxIterations", "gatherGenerationLogits", "kvCache",
            "peftCache",
            "enableChunkedContext", "dynamicBatch", "normalizeLogProbs", "parallel", "useGpuDirectStorage",
            "gpuWeightsPercent", "extendedRuntimePerfKnob", "debug", "recvPollPeriodMs", "maxSeqIdleMicroseconds",
            "cacheTransceiver", "promptTableOffloading", "enableTrtOverlap", "failFastOnAttentionWindowTooLarge"});
    tle::ExecutorConfig config;
    // For prompts above maxNumTokens, and for streaming requests under MAX_UTILIZATION.
    config.setEnableChunkedContext(object.boolean("enableChunkedContext").value_or(true));
    config.setSchedulerConfig(scheduler(object));
    if (auto const maxBatchSize = object.integer("maxBatchSize", 1))
    {
        config.setMaxBatchSize(*maxBatchSize);
    }
    if (auto const maxBeamWidth = object.integer("maxBeamWidth", 1))
    {
        config.setMaxBeamWidth(*maxBeamWidth);
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
    if (auto const* peftCache = object.find("peftCache"))
    {
        config.setPeftCacheConfig(peftCacheConfig(*peftCache));
    }
    setDeclaredOptions(config, object);
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
