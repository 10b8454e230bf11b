// The shim's seam to the embedded executor.
#include "backend.h"
#include "guided_decoding.h"

#include "llama_vocabulary.h"
#include "load_error.h"
#include "load_model.h"
#include "runner/openvino_library.h"
#include "speculative_config.h"

#include <algorithm>
#include <array>
#include <new>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace trtllm_shim
{

namespace
{

namespace trt = tensorrt_llm::executor;
using trt::embedded::LoadError;
using trt::embedded::LoadOptions;

trtllm_status statusOf(LoadError::Kind kind)
{
    switch (kind)
    {
    case LoadError::Kind::kNOT_FOUND: return TRTLLM_ERR_ENGINE_NOT_FOUND;
    case LoadError::Kind::kCORRUPT: return TRTLLM_ERR_ENGINE_CORRUPT;
    case LoadError::Kind::kINCOMPATIBLE: return TRTLLM_ERR_ENGINE_INCOMPATIBLE;
    case LoadError::Kind::kABORTED: return TRTLLM_ERR_ABORTED;
    case LoadError::Kind::kOUT_OF_MEMORY: return TRTLLM_ERR_OUT_OF_MEMORY;
    }
    return TRTLLM_ERR_EXECUTOR;
}

std::optional<std::int32_t> positive(nlohmann::json const& options, char const* key)
{
    auto const found = options.find(key);
    if (found == options.end())
    {
        return std::nullopt;
    }
    if (!found->is_number_integer() || found->get<std::int64_t>() < 1 || found->get<std::int64_t>() > INT32_MAX)
    {
        throw StatusError(TRTLLM_ERR_INVALID_ARGUMENT,
            std::string("embedded.") + key + " is " + found->dump() + "; it must be a whole number above 0");
    }
    return found->get<std::int32_t>();
}

std::optional<std::string> oneOf(
    nlohmann::json const& options, char const* key, std::initializer_list<char const*> values)
{
    auto const found = options.find(key);
    if (found == options.end())
    {
        return std::nullopt;
    }
    if (std::find(values.begin(), values.end(), *found) == values.end())
    {
        std::string known;
        for (auto const* const value : values)
        {
            known += (known.empty() ? "\"" : ", \"") + std::string(value) + "\"";
        }
        throw StatusError(TRTLLM_ERR_INVALID_ARGUMENT,
            std::string("embedded.") + key + " is " + found->dump() + "; it must be one of " + known);
    }
    return found->get<std::string>();
}

LoadOptions parseOptions(nlohmann::json const& options)
{
    constexpr std::array known{
        "runner", "threads", "maxSequenceTokens", "tokensPerBlock", "kvCachePrecision", "speculativeConfig"};
    for (auto const& [key, value] : options.items())
    {
        if (std::find(known.begin(), known.end(), key) == known.end())
        {
            throw StatusError(TRTLLM_ERR_INVALID_ARGUMENT,
                "embedded." + key
                    + " is unknown; known are runner, threads, maxSequenceTokens, tokensPerBlock, kvCachePrecision and "
                      "speculativeConfig");
        }
    }
    LoadOptions parsed;
    auto const runner = oneOf(options, "runner", {"auto", "llama.cpp", "openvino"});
    parsed.runner = runner == "llama.cpp" ? LoadOptions::Runner::kLLAMA_CPP
        : runner == "openvino"            ? LoadOptions::Runner::kOPENVINO
                                          : LoadOptions::Runner::kAUTO;
    parsed.threads = positive(options, "threads");
    parsed.maxSequenceTokens = positive(options, "maxSequenceTokens");
    parsed.tokensPerBlock = positive(options, "tokensPerBlock");
    parsed.kvCachePrecision = oneOf(options, "kvCachePrecision", {"native", "u8", "u4"});
    return parsed;
}

EngineDescription describe(trt::embedded::LoadedModel const& loaded, trt::ExecutorConfig const& config)
{
    auto const engine = loaded.model->limits();
    auto const limits = trt::embedded::resolveLimits(engine, config);
    auto const& model = loaded.description;

    EngineDescription description;
    description.format = model.format;
    description.name = model.name;
    description.architecture = model.architecture;
    description.device = model.device;
    description.parameterCount = model.parameterCount;
    description.weightBytes = model.weightBytes;
    description.vocabularySize = model.vocabularySize;
    description.maxSequenceTokens = limits.maxSequenceTokens;
    description.maxBatchSize = limits.maxBatchSize;
    description.maxBeamWidth = limits.maxBeamWidth;
    description.maxNumTokens = limits.maxNumTokens;
    description.maxQueueSize = limits.maxQueueSize;
    description.tokensPerBlock = limits.tokensPerBlock;
    description.kvBlocks = limits.kvBlocks;
    description.kvBytesPerToken = engine.kvBytesPerToken;
    return description;
}

LoraSupport loraSupport(trt::Model const& model, trt::ExecutorConfig const& config)
{
    LoraSupport support;
    support.dataType = trt::DataType::kFP32;
    support.maxRank = trt::embedded::resolveLimits(model.limits(), config).maxLoraRank;
    for (auto const& [target, shape] : model.loraShapes())
    {
        support.targets[{target.layer, static_cast<std::int32_t>(target.module)}] = {shape.in, shape.out};
    }
    return support;
}

} // namespace

LoadedEngine loadEngine(std::filesystem::path const& path, trt::ExecutorConfig const& config,
    nlohmann::json const& options, LoadProgress const& progress)
{
    try
    {
        auto loadOptions = parseOptions(options);
        loadOptions.maxBatchSize = config.getMaxBatchSize();
        auto const speculative = trt::embedded::parseSpeculativeConfig(options);
        auto const share = speculative && speculative->draftModel ? 0.5f : 1.f; // of the progress
        auto loaded = trt::embedded::loadModel(
            path, loadOptions, [&](float fraction) { return progress(fraction * share); });
        if (speculative)
        {
            loaded.model = trt::embedded::speculating(loaded, *speculative, loadOptions,
                [&](float fraction) { return progress(share + fraction * (1 - share)); });
        }
        LoadedEngine engine;
        engine.description = describe(loaded, config);
        engine.lora = loraSupport(*loaded.model, config);
        auto withGuide = config;
        if (loaded.vocabulary)
        {
            engine.vocabulary = std::make_shared<trt::embedded::LlamaVocabulary>(loaded.vocabulary);
            withGuide.setGuidedDecodingConfig(guidedDecodingConfig(*engine.vocabulary));
        }
        engine.executor = std::make_unique<trt::Executor>(loaded.model, withGuide);
        return engine;
    }
    catch (LoadError const& error)
    {
        throw StatusError(statusOf(error.kind()), error.what());
    }
    catch (std::invalid_argument const& error)
    {
        throw StatusError(TRTLLM_ERR_INVALID_ARGUMENT, error.what());
    }
    catch (std::bad_alloc const&)
    {
        throw StatusError(TRTLLM_ERR_OUT_OF_MEMORY, "no memory left to load " + path.string());
    }
}

char const* backendName() noexcept
{
    return "embedded";
}

std::vector<std::pair<std::string, std::string>> backendLibraries()
{
    std::vector<std::pair<std::string, std::string>> libraries{
        {"llama.cpp", LLAMA_CPP_VERSION}, {"xgrammar", XGRAMMAR_VERSION}};
    if (auto const version = trt::embedded::openVinoVersion())
    {
        libraries.emplace_back("openvino", *version);
    }
    return libraries;
}

} // namespace trtllm_shim
