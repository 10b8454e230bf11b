// Options of ExecutorConfig that only TensorRT-LLM has. Templates, since the classes that hold them are declared only
// there: an option whose setter is missing is refused by its name.
#pragma once

#include "json_object.h"
#include "optional_setter.h"

#include <type_traits>
#include <utility>
#include <vector>

namespace trtllm_shim
{

/// The entry of `names` that `object` has under `key`; null where it has none.
template <typename Value, std::size_t count>
std::optional<Value> oneOf(
    JsonObject const& object, char const* key, std::pair<char const*, Value> const (&names)[count])
{
    auto const given = object.string(key);
    if (!given)
    {
        return std::nullopt;
    }
    std::string expected;
    for (auto const& [name, value] : names)
    {
        if (*given == name)
        {
            return value;
        }
        expected.append(expected.empty() ? "\"" : ", \"").append(name).append("\"");
    }
    object.refuse(key, *given, "one of " + expected);
}

/// The array of numbers of at least `least` under `key`.
inline std::optional<std::vector<std::int32_t>> integersFrom(
    JsonObject const& object, char const* key, std::int32_t least)
{
    return object.integers(key, least, std::numeric_limits<std::int32_t>::max());
}

template <typename Parallel>
void readOrchestrator(Parallel& parallel, nlohmann::json const& json)
{
    JsonObject const object(json, "executor.parallel.orchestrator", {"workerExecutablePath", "spawnProcesses"});
    SetterArgument<&Parallel::setOrchestratorConfig> orchestrator;
    setIfGiven(TRTLLM_SETTER(setWorkerExecutablePath), orchestrator, object.string("workerExecutablePath"),
        "parallel.orchestrator.workerExecutablePath");
    setIfGiven(TRTLLM_SETTER(setSpawnProcesses), orchestrator, object.boolean("spawnProcesses"),
        "parallel.orchestrator.spawnProcesses");
    parallel.setOrchestratorConfig(orchestrator);
}

template <typename Parallel>
Parallel readParallel(nlohmann::json const& json)
{
    JsonObject const object(
        json, "executor.parallel", {"mode", "deviceIds", "participantIds", "numNodes", "orchestrator"});
    using Mode = SetterArgument<&Parallel::setCommunicationMode>;
    constexpr std::pair<char const*, Mode> modes[]{{"leader", Mode::kLEADER}, {"orchestrator", Mode::kORCHESTRATOR}};
    Parallel parallel;
    auto const mode = oneOf(object, "mode", modes).value_or(Mode::kLEADER);
    parallel.setCommunicationMode(mode);
    setIfGiven(TRTLLM_SETTER(setDeviceIds), parallel, integersFrom(object, "deviceIds", 0), "parallel.deviceIds");
    setIfGiven(TRTLLM_SETTER(setParticipantIds), parallel, integersFrom(object, "participantIds", 0),
        "parallel.participantIds");
    setIfGiven(TRTLLM_SETTER(setNumNodes), parallel, object.integer("numNodes", 1), "parallel.numNodes");
    auto const* const orchestrator = object.find("orchestrator");
    if (orchestrator != nullptr && mode == Mode::kLEADER)
    {
        object.refuse("orchestrator", *orchestrator, "none with mode \"leader\"");
    }
    if (mode == Mode::kORCHESTRATOR)
    {
        readOrchestrator(parallel, orchestrator != nullptr ? *orchestrator : nlohmann::json::object());
    }
    return parallel;
}

template <typename Knobs>
Knobs readPerfKnobs(nlohmann::json const& json)
{
    JsonObject const object(json, "executor.extendedRuntimePerfKnob",
        {"multiBlockMode", "enableContextFMHAFP32Acc", "cudaGraphMode", "cudaGraphCacheSize"});
    Knobs knobs;
    auto const name = "extendedRuntimePerfKnob";
    setIfGiven(TRTLLM_SETTER(setMultiBlockMode), knobs, object.boolean("multiBlockMode"), name);
    setIfGiven(TRTLLM_SETTER(setEnableContextFMHAFP32Acc), knobs, object.boolean("enableContextFMHAFP32Acc"), name);
    setIfGiven(TRTLLM_SETTER(setCudaGraphMode), knobs, object.boolean("cudaGraphMode"), name);
    setIfGiven(TRTLLM_SETTER(setCudaGraphCacheSize), knobs, object.integer("cudaGraphCacheSize", 0), name);
    return knobs;
}

template <typename Debug>
Debug readDebug(nlohmann::json const& json)
{
    JsonObject const object(
        json, "executor.debug", {"debugInputTensors", "debugOutputTensors", "debugTensorNames"});
    Debug debug;
    setIfGiven(TRTLLM_SETTER(setDebugInputTensors), debug, object.boolean("debugInputTensors"), "debug");
    setIfGiven(TRTLLM_SETTER(setDebugOutputTensors), debug, object.boolean("debugOutputTensors"), "debug");
    setIfGiven(TRTLLM_SETTER(setDebugTensorNames), debug, object.strings("debugTensorNames"), "debug");
    return debug;
}

template <typename Transceiver>
Transceiver readCacheTransceiver(nlohmann::json const& json)
{
    JsonObject const object(
        json, "executor.cacheTransceiver", {"backendType", "maxTokensInBuffer", "kvTransferTimeoutMs"});
    using Backend = typename Transceiver::BackendType;
    constexpr std::pair<char const*, Backend> backends[]{{"DEFAULT", Backend::DEFAULT}, {"MPI", Backend::MPI},
        {"UCX", Backend::UCX}, {"NIXL", Backend::NIXL}};
    Transceiver transceiver;
    setIfGiven(TRTLLM_SETTER(setBackendType), transceiver, oneOf(object, "backendType", backends),
        "cacheTransceiver.backendType");
    setIfGiven(TRTLLM_SETTER(setMaxTokensInBuffer), transceiver, object.integer("maxTokensInBuffer", 1),
        "cacheTransceiver.maxTokensInBuffer");
    setIfGiven(TRTLLM_SETTER(setKvTransferTimeoutMs), transceiver, object.integer("kvTransferTimeoutMs", 1),
        "cacheTransceiver.kvTransferTimeoutMs");
    return transceiver;
}

template <typename Dynamic>
Dynamic readDynamicBatch(nlohmann::json const& json)
{
    JsonObject const object(json, "executor.dynamicBatch",
        {"enableBatchSizeTuning", "enableMaxNumTokensTuning", "movingAverageWindow", "batchSizeTable"});
    auto table = Dynamic::kDefaultBatchSizeTable;
    if (auto const* rows = object.find("batchSizeTable"))
    {
        table.clear();
        for (auto const& row : rows->is_array() ? *rows : nlohmann::json::array({nullptr}))
        {
            auto const pair = JsonObject::integerArray(row, 1, std::numeric_limits<std::int32_t>::max());
            if (!pair || pair->size() != 2)
            {
                object.refuse("batchSizeTable", *rows, "an array of [limit, batch size]");
            }
            table.emplace_back(pair->front(), pair->back());
        }
    }
    // A copy: the constant may be declared without a definition that a reference to it could be linked with.
    auto const window = Dynamic::kDefaultDynamicBatchMovingAverageWindow;
    return Dynamic(object.boolean("enableBatchSizeTuning").value_or(false),
        object.boolean("enableMaxNumTokensTuning").value_or(false),
        object.integer("movingAverageWindow", 1).value_or(window), table);
}

template <typename Scheduler, typename = void>
struct DynamicBatchOf
{
    using Type = void;
};

template <typename Scheduler>
struct DynamicBatchOf<Scheduler, std::void_t<decltype(std::declval<Scheduler const&>().getDynamicBatchConfig())>>
{
    using Type = typename decltype(std::declval<Scheduler const&>().getDynamicBatchConfig())::value_type;
};

/// The scheduler's configuration, with "dynamicBatch" of `object` where that is given.
template <typename Scheduler, typename Policy, typename Chunking>
Scheduler schedulerConfig(Policy policy, Chunking chunking, JsonObject const& object)
{
    using Dynamic = typename DynamicBatchOf<Scheduler>::Type;
    auto const* const json = object.find("dynamicBatch");
    if (json == nullptr)
    {
        return Scheduler(policy, chunking);
    }
    if constexpr (std::is_void_v<Dynamic>)
    {
        refuseUndeclared("dynamicBatch");
    }
    else
    {
        return Scheduler(policy, chunking, readDynamicBatch<Dynamic>(*json));
    }
}

/// Calls a setter by its name, where its target has it, with what `read` makes of the JSON.
#define TRTLLM_OBJECT_SETTER(name, read)                                                                               \
    [](auto& target, nlohmann::json const& json) -> decltype(void(&std::decay_t<decltype(target)>::name))              \
    { target.name(read<SetterArgument<&std::decay_t<decltype(target)>::name>>(json)); }

template <typename Set, typename Config>
void setObject(Set set, Config& config, JsonObject const& object, char const* key)
{
    if (auto const* json = object.find(key))
    {
        setIfDeclared(set, config, *json, key);
    }
}

/// Reads from "executor" what `Config` may lack.
template <typename Config>
void setDeclaredOptions(Config& config, JsonObject const& object)
{
    auto const share = [](float value) { return value >= 0.0f && value <= 1.0f; };
    auto const set = [&](auto setter, auto const& value, char const* option)
    { setIfGiven(setter, config, value, option); };
    set(TRTLLM_SETTER(setUseGpuDirectStorage), object.boolean("useGpuDirectStorage"), "useGpuDirectStorage");
    set(TRTLLM_SETTER(setGpuWeightsPercent), object.number("gpuWeightsPercent", share, "a number from 0 to 1"),
        "gpuWeightsPercent");
    set(TRTLLM_SETTER(setRecvPollPeriodMs), object.integer("recvPollPeriodMs", 0), "recvPollPeriodMs");
    set(TRTLLM_SETTER(setMaxSeqIdleMicroseconds), object.integer("maxSeqIdleMicroseconds", 1),
        "maxSeqIdleMicroseconds");
    set(TRTLLM_SETTER(setPromptTableOffloading), object.boolean("promptTableOffloading"), "promptTableOffloading");
    set(TRTLLM_SETTER(setEnableTrtOverlap), object.boolean("enableTrtOverlap"), "enableTrtOverlap");
    set(TRTLLM_SETTER(setFailFastOnAttentionWindowTooLarge), object.boolean("failFastOnAttentionWindowTooLarge"),
        "failFastOnAttentionWindowTooLarge");

    // Releases differ in their default. False is what the embedded executor reports, and OpenAI.
    auto const normalize = TRTLLM_SETTER(setNormalizeLogProbs);
    auto const given = object.boolean("normalizeLogProbs");
    if constexpr (std::is_invocable_v<decltype(normalize), Config&, bool const&>)
    {
        normalize(config, given.value_or(false));
    }
    else
    {
        set(normalize, given, "normalizeLogProbs");
    }

    setObject(TRTLLM_OBJECT_SETTER(setParallelConfig, readParallel), config, object, "parallel");
    setObject(TRTLLM_OBJECT_SETTER(setExtendedRuntimePerfKnobConfig, readPerfKnobs), config, object,
        "extendedRuntimePerfKnob");
    setObject(TRTLLM_OBJECT_SETTER(setDebugConfig, readDebug), config, object, "debug");
    setObject(TRTLLM_OBJECT_SETTER(setCacheTransceiverConfig, readCacheTransceiver), config, object, "cacheTransceiver");
}

#undef TRTLLM_OBJECT_SETTER

} // namespace trtllm_shim
