// With a configuration that declares what TensorRT-LLM 1.2 does, under its names: the executor behind the tests has
// less of it.
#include "check.h"
#include "config_json.h"
#include "executor_options_json.h"
#include "kv_cache_options_json.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace
{

using namespace trtllm_shim;
using Integers = std::vector<std::int32_t>;

enum class Mode
{
    kLEADER,
    kORCHESTRATOR
};

struct Orchestrator
{
    std::string worker;
    bool spawn{true};

    void setWorkerExecutablePath(std::string const& value) { worker = value; }
    void setSpawnProcesses(bool value) { spawn = value; }
};

struct Parallel
{
    Mode mode{};
    Integers devices;
    Integers participants;
    std::int32_t nodes{0};
    std::optional<Orchestrator> orchestrator;

    void setCommunicationMode(Mode value) { mode = value; }
    void setDeviceIds(Integers const& value) { devices = value; }
    void setParticipantIds(Integers const& value) { participants = value; }
    void setNumNodes(std::int32_t value) { nodes = value; }
    void setOrchestratorConfig(Orchestrator const& value) { orchestrator = value; }
};

struct Knobs
{
    bool multiBlock{true};
    bool accumulate{false};
    bool graph{false};
    std::int32_t graphs{0};

    void setMultiBlockMode(bool value) { multiBlock = value; }
    void setEnableContextFMHAFP32Acc(bool value) { accumulate = value; }
    void setCudaGraphMode(bool value) { graph = value; }
    void setCudaGraphCacheSize(std::int32_t value) { graphs = value; }
};

struct Debug
{
    bool inputs{false};
    bool outputs{false};
    std::vector<std::string> names;

    void setDebugInputTensors(bool value) { inputs = value; }
    void setDebugOutputTensors(bool value) { outputs = value; }
    void setDebugTensorNames(std::vector<std::string> const& value) { names = value; }
};

struct Transceiver
{
    enum class BackendType : std::uint8_t
    {
        DEFAULT,
        MPI,
        UCX,
        NIXL
    };

    std::optional<BackendType> backend;
    std::optional<std::size_t> tokens;
    std::optional<int> timeout;

    void setBackendType(std::optional<BackendType> value) { backend = value; }
    void setMaxTokensInBuffer(std::optional<std::size_t> value) { tokens = value; }
    void setKvTransferTimeoutMs(std::optional<int> value) { timeout = value; }
};

struct Config
{
    bool normalized{true};
    bool directStorage{false};
    float weights{1};
    std::int32_t poll{0};
    std::uint64_t idle{0};
    bool offload{false};
    bool overlap{false};
    bool failFast{false};
    std::optional<Parallel> parallel;
    Knobs knobs;
    std::optional<Debug> debug;
    std::optional<Transceiver> transceiver;

    void setNormalizeLogProbs(bool value) { normalized = value; }
    void setUseGpuDirectStorage(bool const& value) { directStorage = value; }
    void setGpuWeightsPercent(float const& value) { weights = value; }
    void setRecvPollPeriodMs(std::int32_t const& value) { poll = value; }
    void setMaxSeqIdleMicroseconds(std::uint64_t value) { idle = value; }
    void setPromptTableOffloading(bool value) { offload = value; }
    void setEnableTrtOverlap(bool value) { overlap = value; }
    void setFailFastOnAttentionWindowTooLarge(bool value) { failFast = value; }
    void setParallelConfig(Parallel const& value) { parallel = value; }
    void setExtendedRuntimePerfKnobConfig(Knobs const& value) { knobs = value; }
    void setDebugConfig(Debug const& value) { debug = value; }
    void setCacheTransceiverConfig(Transceiver const& value) { transceiver = value; }
};

struct KvConfig
{
    Integers windows;
    std::int32_t sink{0};
    float cross{0};
    bool uvm{false};
    std::int32_t gather{0};
    std::uint64_t bytes{0};

    void setMaxAttentionWindowVec(Integers value) { windows = std::move(value); }
    void setSinkTokenLength(std::int32_t value) { sink = value; }
    void setCrossKvCacheFraction(float value) { cross = value; }
    void setUseUvm(bool value) { uvm = value; }
    void setAttentionDpEventsGatherPeriodMs(std::int32_t value) { gather = value; }
    void setMaxGpuTotalBytes(std::uint64_t value) { bytes = value; }
};

struct DynamicBatch
{
    using Table = std::vector<std::pair<std::int32_t, std::int32_t>>;
    static std::int32_t const kDefaultDynamicBatchMovingAverageWindow = 128;
    static Table const kDefaultBatchSizeTable;

    DynamicBatch(bool batchSize, bool numTokens, std::int32_t averaged, Table rows)
        : tunesBatchSize(batchSize)
        , tunesNumTokens(numTokens)
        , window(averaged)
        , table(std::move(rows))
    {
    }

    bool tunesBatchSize;
    bool tunesNumTokens;
    std::int32_t window;
    Table table;
};

DynamicBatch::Table const DynamicBatch::kDefaultBatchSizeTable{{144, 128}};

struct Scheduler
{
    Scheduler(int, int, std::optional<DynamicBatch> value = std::nullopt)
        : dynamicBatch(std::move(value))
    {
    }

    std::optional<DynamicBatch> getDynamicBatchConfig() const { return dynamicBatch; }

    std::optional<DynamicBatch> dynamicBatch;
};

Config read(std::string const& text)
{
    auto const json = nlohmann::json::parse(text);
    JsonObject const object(json, "executor",
        {"normalizeLogProbs", "parallel", "useGpuDirectStorage", "gpuWeightsPercent", "extendedRuntimePerfKnob",
            "debug", "recvPollPeriodMs", "maxSeqIdleMicroseconds", "cacheTransceiver", "promptTableOffloading",
            "enableTrtOverlap", "failFastOnAttentionWindowTooLarge"});
    Config config;
    setDeclaredOptions(config, object);
    return config;
}

trtllm_error refusal(std::string const& executor)
{
    trtllm_error error{};
    try
    {
        parseConfig(R"({"engine": "e", "executor": )" + executor + "}");
    }
    catch (StatusError const& reason)
    {
        error.code = reason.status();
        std::string(reason.what()).copy(error.message, sizeof(error.message) - 1);
    }
    return error;
}

bool contains(std::string const& text, std::string const& part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST("single values arrive, and log-probabilities are not normalized unless that is asked for")
{
    CHECK(!read("{}").normalized);
    CHECK(read(R"({"normalizeLogProbs": true})").normalized);
    auto const config = read(R"({"useGpuDirectStorage": true, "gpuWeightsPercent": 0.5, "recvPollPeriodMs": 3,
        "maxSeqIdleMicroseconds": 4, "promptTableOffloading": true, "enableTrtOverlap": true,
        "failFastOnAttentionWindowTooLarge": true})");
    CHECK(config.directStorage && config.offload && config.overlap && config.failFast);
    CHECK_EQ(config.weights, 0.5f);
    CHECK_EQ(config.poll, 3);
    CHECK_EQ(config.idle, 4u);
    CHECK(!config.parallel && !config.debug && !config.transceiver);
}

TEST("how an executor is spread over GPUs arrives")
{
    auto const leader = *read(R"({"parallel": {"deviceIds": [1, 0], "participantIds": [0, 2], "numNodes": 2}})").parallel;
    CHECK(leader.mode == Mode::kLEADER);
    CHECK(leader.devices == Integers({1, 0}));
    CHECK(leader.participants == Integers({0, 2}));
    CHECK_EQ(leader.nodes, 2);
    CHECK(!leader.orchestrator);
    auto const orchestrated = *read(R"({"parallel": {"mode": "orchestrator",
        "orchestrator": {"workerExecutablePath": "/w", "spawnProcesses": false}}})").parallel;
    CHECK(orchestrated.mode == Mode::kORCHESTRATOR);
    CHECK_EQ(orchestrated.orchestrator->worker, "/w");
    CHECK(!orchestrated.orchestrator->spawn);
    CHECK(read(R"({"parallel": {"mode": "orchestrator"}})").parallel->orchestrator->spawn);
    CHECK_THROWS(read(R"({"parallel": {"mode": "crowd"}})"));
    CHECK_THROWS(read(R"({"parallel": {"orchestrator": {}}})"));
    CHECK_THROWS(read(R"({"parallel": {"deviceIds": [-1]}})"));
}

TEST("knobs, debug output and the cache transceiver arrive")
{
    auto const config = read(R"({"extendedRuntimePerfKnob": {"multiBlockMode": false, "enableContextFMHAFP32Acc": true,
        "cudaGraphMode": true, "cudaGraphCacheSize": 7}, "debug": {"debugInputTensors": true,
        "debugOutputTensors": true, "debugTensorNames": ["logits"]}, "cacheTransceiver": {"backendType": "NIXL",
        "maxTokensInBuffer": 8, "kvTransferTimeoutMs": 9}})");
    CHECK(!config.knobs.multiBlock && config.knobs.accumulate && config.knobs.graph);
    CHECK_EQ(config.knobs.graphs, 7);
    CHECK(config.debug->inputs && config.debug->outputs);
    CHECK_EQ(config.debug->names.at(0), "logits");
    CHECK(config.transceiver->backend == Transceiver::BackendType::NIXL);
    CHECK_EQ(config.transceiver->tokens.value(), 8u);
    CHECK_EQ(config.transceiver->timeout.value(), 9);
}

TEST("what the KV cache of TensorRT-LLM has besides arrives")
{
    auto const json = nlohmann::json::parse(R"({"maxAttentionWindow": [512, 4096], "sinkTokenLength": 4,
        "crossKvCacheFraction": 0.25, "useUvm": true, "attentionDpEventsGatherPeriodMs": 6, "maxGpuTotalBytes": 7})");
    JsonObject const object(json, "executor.kvCache",
        {"maxAttentionWindow", "sinkTokenLength", "crossKvCacheFraction", "useUvm", "attentionDpEventsGatherPeriodMs",
            "maxGpuTotalBytes"});
    KvConfig config;
    setDeclaredKvCacheOptions(config, object);
    CHECK(config.windows == Integers({512, 4096}));
    CHECK_EQ(config.sink, 4);
    CHECK_EQ(config.cross, 0.25f);
    CHECK(config.uvm);
    CHECK_EQ(config.gather, 6);
    CHECK_EQ(config.bytes, 7u);
}

TEST("dynamic batch sizes arrive, with TensorRT-LLM's own defaults")
{
    auto const dynamicBatch = [](std::string const& text)
    {
        auto const json = nlohmann::json::parse(R"({"dynamicBatch": )" + text + "}");
        JsonObject const object(json, "executor", {"dynamicBatch"});
        return *schedulerConfig<Scheduler>(1, 2, object).dynamicBatch;
    };
    auto const defaults = dynamicBatch("{}");
    CHECK(!defaults.tunesBatchSize && !defaults.tunesNumTokens);
    CHECK_EQ(defaults.window, 128);
    CHECK(defaults.table == DynamicBatch::kDefaultBatchSizeTable);
    auto const given = dynamicBatch(R"({"enableBatchSizeTuning": true, "enableMaxNumTokensTuning": true,
        "movingAverageWindow": 5, "batchSizeTable": [[6, 7], [8, 9]]})");
    CHECK(given.tunesBatchSize && given.tunesNumTokens);
    CHECK_EQ(given.window, 5);
    CHECK(given.table == (DynamicBatch::Table{{6, 7}, {8, 9}}));
    CHECK_THROWS(dynamicBatch(R"({"batchSizeTable": [[6]]})"));
    CHECK_THROWS(dynamicBatch(R"({"batchSizeTable": 6})"));
}

TEST("an executor that lacks an option refuses it by its name")
{
    for (std::string const option : {R"("dynamicBatch": {})", R"("normalizeLogProbs": false)", R"("parallel": {})",
             R"("useGpuDirectStorage": true)", R"("gpuWeightsPercent": 1)", R"("extendedRuntimePerfKnob": {})",
             R"("debug": {})", R"("recvPollPeriodMs": 0)", R"("maxSeqIdleMicroseconds": 1)",
             R"("cacheTransceiver": {})", R"("promptTableOffloading": false)", R"("enableTrtOverlap": false)",
             R"("failFastOnAttentionWindowTooLarge": false)"})
    {
        auto const name = option.substr(1, option.find('"', 1) - 1);
        auto const error = refusal("{" + option + "}");
        CHECK_EQ(error.code, TRTLLM_ERR_UNSUPPORTED);
        CHECK(contains(error.message, "has no " + name + "."));
    }
    auto const kvCache = refusal(R"({"kvCache": {"useUvm": true}})");
    CHECK_EQ(kvCache.code, TRTLLM_ERR_UNSUPPORTED);
    CHECK(contains(kvCache.message, "has no kvCache.useUvm."));
    CHECK_EQ(refusal(R"({"gpuWeightsPercent": 2})").code, TRTLLM_ERR_INVALID_ARGUMENT);
}
