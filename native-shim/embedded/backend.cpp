// The shim's seam to the embedded executor.
#include "backend.h"
#include "guided_decoding.h"

#include "llama_vocabulary.h"
#include "load_error.h"
#include "model.h"
#include "runner/llama_library.h"
#include "runner/llama_model.h"

#include <new>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace trtllm_shim
{

namespace
{

namespace trt = tensorrt_llm::executor;
using trt::embedded::LoadError;

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

trt::embedded::LlamaOptions parseOptions(nlohmann::json const& options)
{
    for (auto const& [key, value] : options.items())
    {
        if (key != "threads" && key != "maxSequenceTokens" && key != "tokensPerBlock")
        {
            throw StatusError(TRTLLM_ERR_INVALID_ARGUMENT,
                "embedded." + key + " is unknown; known are threads, maxSequenceTokens and tokensPerBlock");
        }
    }
    return {positive(options, "threads"), positive(options, "maxSequenceTokens"), positive(options, "tokensPerBlock")};
}

EngineDescription describe(
    std::filesystem::path const& path, trt::embedded::LlamaModel const& model, trt::ExecutorConfig const& config)
{
    auto const limits = trt::embedded::resolveLimits(model.limits(), config);
    auto const* const llama = model.llama().get();

    EngineDescription description;
    description.format = "gguf";
    description.name = model.metadata("general.name");
    if (description.name.empty())
    {
        description.name = path.stem().string();
    }
    description.architecture = model.metadata("general.architecture");
    description.device = trt::embedded::computeDevice().name;
    description.parameterCount = llama_model_n_params(llama);
    description.weightBytes = llama_model_size(llama);
    description.vocabularySize = llama_vocab_n_tokens(llama_model_get_vocab(llama));
    description.maxSequenceTokens = limits.maxSequenceTokens;
    description.maxBatchSize = limits.maxBatchSize;
    description.maxBeamWidth = limits.maxBeamWidth;
    description.maxNumTokens = limits.maxNumTokens;
    description.maxQueueSize = limits.maxQueueSize;
    description.tokensPerBlock = limits.tokensPerBlock;
    description.kvBlocks = limits.kvBlocks;
    description.kvBytesPerToken = model.kvBytesPerToken();
    return description;
}

} // namespace

LoadedEngine loadEngine(std::filesystem::path const& path, trt::ExecutorConfig const& config,
    nlohmann::json const& options, LoadProgress const& progress)
{
    try
    {
        auto const model = trt::embedded::LlamaModel::load(path, parseOptions(options), progress);
        LoadedEngine engine;
        engine.description = describe(path, *model, config);
        engine.vocabulary = std::make_shared<trt::embedded::LlamaVocabulary>(model->llama());
        auto withGuide = config;
        withGuide.setGuidedDecodingConfig(guidedDecodingConfig(*engine.vocabulary));
        engine.executor = std::make_unique<trt::Executor>(model, withGuide);
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
    return {{"llama.cpp", LLAMA_CPP_VERSION}, {"xgrammar", XGRAMMAR_VERSION}};
}

} // namespace trtllm_shim
