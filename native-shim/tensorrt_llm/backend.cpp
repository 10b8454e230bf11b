// The shim's seam to TensorRT-LLM. Compiled against the headers of the release that it is linked with.
#include "backend.h"

#include "engine_config.h"
#include "executor_options_json.h"
#include "gpu.h"
#include "guided_vocabulary.h"
#include "launched_world.h"

#include "tensorrt_llm/plugins/api/tllmPlugin.h"

#include <algorithm>
#include <cstdint>
#include <dlfcn.h>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <type_traits>

namespace trtllm_shim
{

namespace
{

namespace tle = tensorrt_llm::executor;
namespace fs = std::filesystem;

constexpr std::int32_t kDefaultMaxQueueSize = 1024; // TensorRT-LLM's own queue has no end
constexpr std::chrono::milliseconds kWarmUpWait{100};

struct Options
{
    using GuidedBackend = tle::GuidedDecodingConfig::GuidedDecodingBackend;
    GuidedBackend guidedBackend{GuidedBackend::kXGRAMMAR};
};

template <typename Backend>
auto llGuidance(int) -> decltype(Backend::kLLGUIDANCE)
{
    return Backend::kLLGUIDANCE;
}

template <typename Backend>
Backend llGuidance(...)
{
    refuseUndeclared("tensorrtLlm.guidedDecodingBackend \"LLGUIDANCE\"");
}

Options readOptions(nlohmann::json const& json)
{
    JsonObject const object(json, "tensorrt_llm", {"guidedDecodingBackend"});
    constexpr std::pair<char const*, bool> backends[]{{"XGRAMMAR", false}, {"LLGUIDANCE", true}};
    Options options;
    if (oneOf(object, "guidedDecodingBackend", backends).value_or(false))
    {
        options.guidedBackend = llGuidance<Options::GuidedBackend>(0);
    }
    return options;
}

/// What ParallelConfig says, where the headers declare it.
struct Spread
{
    bool orchestrated{false};
    std::int32_t machines{1};
    std::vector<std::int32_t> devices;
};

template <typename Parallel>
auto machinesOf(Parallel const& parallel, int) -> decltype(parallel.getNumNodes().value_or(1))
{
    return parallel.getNumNodes().value_or(1);
}

template <typename Parallel>
std::int32_t machinesOf(Parallel const&, ...)
{
    return 1;
}

template <typename Config>
auto spreadOf(Config const& config, int) -> decltype(config.getParallelConfig(), Spread{})
{
    Spread spread;
    if (auto const parallel = config.getParallelConfig())
    {
        using Mode = decltype(parallel->getCommunicationMode());
        spread.orchestrated = parallel->getCommunicationMode() == Mode::kORCHESTRATOR;
        spread.machines = machinesOf(*parallel, 0);
        spread.devices = parallel->getDeviceIds().value_or(std::vector<std::int32_t>{});
    }
    return spread;
}

template <typename Config>
Spread spreadOf(Config const&, ...)
{
    return {};
}

/// The GPU that TensorRT-LLM takes for this rank: they go round the listed ones, else the visible ones.
std::optional<Gpu> ownGpu(Spread const& spread)
{
    auto const count = spread.devices.empty() ? gpuCount() : static_cast<int>(spread.devices.size());
    if (count == 0)
    {
        return std::nullopt;
    }
    auto const index = trtllm_world::launchedWorld().rank % count;
    return findGpu(spread.devices.empty() ? index : spread.devices[static_cast<std::size_t>(index)]);
}

/// `asked` where it is given, which may not exceed what the engine was built for.
std::int32_t within(char const* name, std::optional<std::int32_t> asked, std::int32_t built)
{
    if (asked && *asked > built)
    {
        throw StatusError(TRTLLM_ERR_INVALID_ARGUMENT,
            std::string(name) + " is " + std::to_string(*asked) + "; the engine was built for at most "
                + std::to_string(built) + ".");
    }
    return asked.value_or(built);
}

/// Once per process, as it registers with TensorRT.
void registerPlugins()
{
    static std::once_flag once;
    std::call_once(once,
        []
        {
            if (!initTrtLlmPlugins())
            {
                throw std::runtime_error("TensorRT-LLM's plugins cannot be registered with TensorRT.");
            }
        });
}

std::unique_ptr<tle::Executor> construct(fs::path const& path, tle::ExecutorConfig const& config)
{
    try
    {
        registerPlugins();
        return std::make_unique<tle::Executor>(path, tle::ModelType::kDECODER_ONLY, config);
    }
    catch (std::exception const& error)
    {
        std::string const message = error.what();
        if (message.find("out of memory") != std::string::npos
            || message.find("cudaErrorMemoryAllocation") != std::string::npos)
        {
            throw StatusError(TRTLLM_ERR_OUT_OF_MEMORY,
                "There is not enough GPU memory for " + path.string()
                    + ". Lower kvCache.freeGpuMemoryFraction or kvCache.maxTokens, or take a larger GPU. " + message);
        }
        throw;
    }
}

/// Blocks of the KV cache, which only statistics tell, and those only after a step: one token is generated. None where
/// no statistics are kept.
std::optional<std::int32_t> kvBlocks(
    tle::Executor& executor, tle::ExecutorConfig const& config, LoadProgress const& progress)
{
    if (config.getIterStatsMaxIterations() == 0)
    {
        return std::nullopt;
    }
    static_cast<void>(executor.enqueueRequest(tle::Request({0}, 1)));
    for (bool ended = false; !ended;)
    {
        if (!progress(0.9f))
        {
            throw StatusError(TRTLLM_ERR_ABORTED, "The load was ended.");
        }
        for (auto const& response : executor.awaitResponses(kWarmUpWait))
        {
            if (response.hasError())
            {
                throw std::runtime_error("The engine's first step failed: " + response.getErrorMsg());
            }
            ended = ended || response.getResult().isFinal;
        }
    }
    std::optional<std::int32_t> blocks;
    for (auto const& stats : executor.getLatestIterationStats())
    {
        blocks = stats.kvCacheStats ? std::optional(stats.kvCacheStats->maxNumBlocks) : blocks;
    }
    executor.getLatestRequestStats(); // those of this request are nobody's
    return blocks;
}

EngineDescription describe(fs::path const& path, EngineConfig const& engine, std::optional<Gpu> const& gpu)
{
    EngineDescription description;
    description.format = "tensorrt";
    description.name = fs::absolute(path).lexically_normal().filename().string();
    description.architecture = engine.architecture;
    description.device = gpu ? gpu->name : "";
    description.weightBytes = engine.weightBytes;
    description.vocabularySize = engine.vocabularySize;
    description.maxSequenceTokens = engine.maxSequenceTokens;
    description.tokensPerBlock = engine.tokensPerBlock;
    description.kvBytesPerToken = engine.kvBytesPerToken;
    return description;
}

} // namespace

LoadedEngine loadEngine(fs::path const& path, tle::ExecutorConfig const& config, nlohmann::json const& json,
    LoadProgress const& progress)
{
    auto const options = readOptions(json);
    auto const engine = readEngineConfig(path);
    auto const spread = spreadOf(config, 0);
    auto const gpu = ownGpu(spread);
    auto const world = trtllm_world::launchedWorld();
    checkEngine(path, engine,
        {tle::version(), world.size, spread.orchestrated, spread.machines > 1, world.rank,
            gpu ? std::optional(gpu->computeCapability) : std::nullopt});

    LoadedEngine loaded;
    auto& facts = loaded.description = describe(path, engine, gpu);
    loaded.lora = engine.lora;
    if (auto const peftCache = config.getPeftCacheConfig())
    {
        loaded.lora.maxRank = std::min(loaded.lora.maxRank, peftCache->getMaxAdapterSize());
    }
    facts.maxBatchSize = within("maxBatchSize", config.getMaxBatchSize(), engine.maxBatchSize);
    facts.maxNumTokens = within("maxNumTokens", config.getMaxNumTokens(), engine.maxNumTokens);
    facts.maxQueueSize = config.getMaxQueueSize().value_or(kDefaultMaxQueueSize);
    facts.maxBeamWidth = within("maxBeamWidth", config.getMaxBeamWidth(), engine.maxBeamWidth);

    auto complete = config;
    complete.setMaxQueueSize(facts.maxQueueSize);
    if (auto const guided = guidedDecodingConfig(path, engine.vocabularySize, options.guidedBackend))
    {
        complete.setGuidedDecodingConfig(*guided);
    }
    if (!progress(0.0f)) // the last point where a load can be ended: the constructor below cannot
    {
        throw StatusError(TRTLLM_ERR_ABORTED, "The load was ended before it began.");
    }
    loaded.executor = construct(path, complete);
    auto const isLeader = spread.orchestrated || world.rank == 0;
    auto const wholeSequence = (engine.maxSequenceTokens + engine.tokensPerBlock - 1) / engine.tokensPerBlock;
    // TensorRT-LLM does not start with less than one whole sequence.
    facts.kvBlocks = (isLeader ? kvBlocks(*loaded.executor, complete, progress) : std::nullopt).value_or(wholeSequence);
    return loaded;
}

char const* backendName() noexcept
{
    return "tensorrt_llm";
}

std::vector<std::pair<std::string, std::string>> backendLibraries()
{
    auto* const tensorRtVersion
        = reinterpret_cast<std::int32_t (*)()>(dlsym(RTLD_DEFAULT, "getInferLibVersion"));
    std::vector<std::pair<std::string, std::string>> libraries{{"TensorRT-LLM", tle::version()}};
    if (tensorRtVersion != nullptr)
    {
        auto const number = tensorRtVersion(); // 101303 is 10.13.3
        libraries.emplace_back("TensorRT",
            std::to_string(number / 10'000) + "." + std::to_string(number / 100 % 100) + "."
                + std::to_string(number % 100));
    }
    return libraries;
}

} // namespace trtllm_shim
