#include "load_model.h"

#include "engine_directory.h"
#include "load_error.h"
#include "runner/gguf_file.h"
#include "runner/llama_library.h"
#include "runner/openvino_library.h"

#include <algorithm>
#include <stdexcept>

namespace tensorrt_llm::executor::embedded
{

namespace
{

namespace fs = std::filesystem;
using Progress = std::function<bool(float)>;
using Runner = LoadOptions::Runner;

Runner chooseRunner(EngineFiles const& files, LoadOptions const& options)
{
    if (options.runner != Runner::kAUTO)
    {
        return options.runner;
    }
    if (files.openvinoModel.empty())
    {
        return Runner::kLLAMA_CPP;
    }
    if (files.gguf.empty() || !ggufHoldsWeights(files.gguf))
    {
        return Runner::kOPENVINO;
    }
    initializeLlama();
    return openVinoVersion() && !computeDevice().isGpu && options.maxBatchSize != 1 ? Runner::kOPENVINO : Runner::kLLAMA_CPP;
}

std::string nameOf(LlamaModelPtr const& gguf, fs::path const& path)
{
    auto const name = gguf ? ggufMetadata(gguf, "general.name") : "";
    return name.empty() ? path.stem().string() : name;
}

LoadedModel loadOnLlama(fs::path const& path, LoadOptions const& options, Progress const& progress)
{
    if (options.kvCachePrecision)
    {
        throw std::invalid_argument(
            "embedded.kvCachePrecision is for the OpenVINO runner; llama.cpp keeps keys and values in f16");
    }
    auto const model = LlamaModel::load(path, options, progress);
    auto* const llama = model->llama().get();
    ModelDescription description;
    description.format = "gguf";
    description.name = nameOf(model->llama(), path);
    description.architecture = ggufMetadata(model->llama(), "general.architecture");
    description.device = computeDevice().name;
    description.parameterCount = llama_model_n_params(llama);
    description.weightBytes = llama_model_size(llama);
    description.vocabularySize = llama_vocab_n_tokens(llama_model_get_vocab(llama));
    return {model, description, model->llama()};
}

/// The longest sequence that the model was trained for; none where nothing says so.
std::optional<SizeType32> trainedTokens(EngineFiles const& files, LlamaModelPtr const& gguf)
{
    auto const length
        = gguf ? ggufMetadata(gguf, (ggufMetadata(gguf, "general.architecture") + ".context_length").c_str()) : "";
    return length.empty() ? files.trainedTokens : std::optional<SizeType32>(std::stoi(length));
}

LoadedModel loadOnOpenVino(
    fs::path const& path, EngineFiles const& files, LoadOptions const& options, Progress const& progress)
{
    if (options.tokensPerBlock.value_or(files.limits.tokensPerBlock.value_or(32)) != 32)
    {
        throw std::invalid_argument("tokensPerBlock must be 32: OpenVINO's paged attention has blocks of that size");
    }
    auto const isIr = !files.openvinoModel.empty();
    auto const model = isIr ? files.openvinoModel : files.gguf;
    LlamaModelPtr gguf;
    if (!files.gguf.empty())
    {
        initializeLlama();
        checkGgufFile(files.gguf);
        gguf = loadVocabulary(files.gguf);
    }
    OpenVinoOptions wanted{options.threads, options.kvCachePrecision, files.limits};
    auto& limits = wanted.limits;
    limits.maxSequenceTokens = sequenceTokens(options.maxSequenceTokens, files.limits, trainedTokens(files, gguf));
    auto const engine = loadOpenVino(model, wanted, progress);
    auto const facts = engine->facts();

    ModelDescription description;
    description.format = isIr ? "openvino" : "gguf";
    description.name = nameOf(gguf, path);
    description.architecture = gguf ? ggufMetadata(gguf, "general.architecture") : files.architecture;
    description.device = facts.device;
    description.parameterCount = facts.parameterCount;
    description.weightBytes = facts.weightBytes;
    description.vocabularySize = facts.vocabularySize;
    return {engine, description, gguf};
}

} // namespace

LoadedModel loadModel(fs::path const& path, LoadOptions const& options, Progress const& progress)
{
    auto const files = findEngineFiles(path);
    return chooseRunner(files, options) == Runner::kOPENVINO ? loadOnOpenVino(path, files, options, progress)
                                                                    : loadOnLlama(path, options, progress);
}

} // namespace tensorrt_llm::executor::embedded
