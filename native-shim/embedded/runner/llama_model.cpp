#include "runner/llama_model.h"

#include "engine_directory.h"
#include "load_error.h"
#include "memory_usage.h"
#include "runner/gguf_file.h"
#include "runner/llama_library.h"
#include "runner/llama_lora.h"
#include "runner/llama_runner.h"

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

namespace
{

/// A sequence is copied whole, which takes as long as computing about so many tokens.
constexpr SizeType32 kEfficientContextTokensOnCpu = 256;
constexpr SizeType32 kEfficientContextTokensOnGpu = 2048;
constexpr SizeType32 kLeastPartialReuseTokens = 16;

} // namespace

LlamaModelPtr loadVocabulary(std::filesystem::path const& gguf)
{
    auto parameters = llama_model_default_params();
    parameters.vocab_only = true;
    LlamaErrors const errors;
    LlamaModelPtr model(llama_model_load_from_file(gguf.c_str(), parameters), llama_model_free);
    if (!model)
    {
        throw LoadError(LoadError::Kind::kINCOMPATIBLE,
            gguf.string() + ": llama.cpp cannot load its vocabulary: " + errors.text());
    }
    return model;
}

std::string ggufMetadata(LlamaModelPtr const& model, char const* key)
{
    std::string value(256, '\0');
    auto const length = llama_model_meta_val_str(model.get(), key, value.data(), value.size());
    value.resize(std::clamp<int>(length, 0, static_cast<int>(value.size()) - 1));
    return value;
}

SizeType32 sequenceTokens(std::optional<SizeType32> asked, EngineLimits const& engine, std::optional<SizeType32> trained)
{
    auto const wanted = asked ? asked : engine.maxSequenceTokens;
    if (wanted && trained && *wanted > *trained)
    {
        throw std::invalid_argument("maxSequenceTokens is " + std::to_string(*wanted) + "; the model was trained for "
            + std::to_string(*trained));
    }
    return wanted.value_or(std::min(kDefaultMaxSequenceTokens, trained.value_or(kDefaultMaxSequenceTokens)));
}

LlamaModel::LlamaModel(LlamaModelPtr model, EngineLimits limits, LoraShapes loraShapes, SizeType32 threads)
    : mModel(std::move(model))
    , mLimits(std::move(limits))
    , mLoraShapes(std::move(loraShapes))
    , mThreads(threads)
{
}

std::shared_ptr<LlamaModel> LlamaModel::load(
    std::filesystem::path const& path, LlamaOptions const& options, std::function<bool(float)> const& progress)
{
    auto files = findEngineFiles(path);
    if (files.gguf.empty())
    {
        throw LoadError(LoadError::Kind::kINCOMPATIBLE,
            path.string() + " holds OpenVINO IR only, which llama.cpp cannot load; use the runner \"openvino\"");
    }
    initializeLlama();
    auto loraShapes = checkGgufFile(files.gguf);

    struct Progress
    {
        std::function<bool(float)> const& report;
        bool aborted{false};
    } state{progress};

    auto parameters = llama_model_default_params();
    parameters.progress_callback_user_data = &state;
    parameters.progress_callback = [](float fraction, void* data)
    {
        auto& current = *static_cast<Progress*>(data);
        current.aborted = current.aborted || !current.report(fraction);
        return !current.aborted;
    };
    LlamaErrors const errors;
    LlamaModelPtr model(llama_model_load_from_file(files.gguf.c_str(), parameters), llama_model_free);
    if (!model)
    {
        throw state.aborted ? LoadError(LoadError::Kind::kABORTED, "the load was aborted")
                            : LoadError(LoadError::Kind::kINCOMPATIBLE,
                                files.gguf.string() + ": llama.cpp cannot load it: " + errors.text());
    }
    if (!llama_model_has_decoder(model.get()) || llama_model_has_encoder(model.get()))
    {
        throw LoadError(
            LoadError::Kind::kINCOMPATIBLE, files.gguf.string() + " is no decoder-only model, which is what runs here");
    }

    auto limits = files.limits;
    limits.maxSequenceTokens
        = sequenceTokens(options.maxSequenceTokens, files.limits, llama_model_n_ctx_train(model.get()));
    limits.keepsPrefixes = !llama_model_is_recurrent(model.get()) && !llama_model_is_hybrid(model.get());
    auto const device = computeDevice();
    limits.freeMemory = device.isGpu ? device.freeMemory : availableBytes();
    limits.efficientContextTokens = device.isGpu ? kEfficientContextTokensOnGpu : kEfficientContextTokensOnCpu;
    limits.leastPartialReuseTokens = kLeastPartialReuseTokens;
    limits.tokensPerBlock = options.tokensPerBlock ? options.tokensPerBlock : limits.tokensPerBlock;
    auto const cores = std::max(1u, std::thread::hardware_concurrency());
    loraShapes = takesLora(model.get()) ? std::move(loraShapes) : LoraShapes{};
    return std::shared_ptr<LlamaModel>(new LlamaModel(
        std::move(model), limits, std::move(loraShapes), options.threads.value_or(static_cast<SizeType32>(cores))));
}

EngineLimits LlamaModel::limits() const
{
    auto limits = mLimits;
    limits.kvBytesPerToken = kvBytesPerToken();
    return limits;
}

std::unique_ptr<ModelRunner> LlamaModel::createRunner(Limits const& limits)
{
    return std::make_unique<LlamaRunner>(mModel, limits, mLoraShapes, mThreads);
}

LoraShapes LlamaModel::loraShapes() const
{
    return mLoraShapes;
}

LlamaModelPtr const& LlamaModel::llama() const
{
    return mModel;
}

std::uint64_t LlamaModel::kvBytesPerToken() const
{
    auto const* const model = mModel.get();
    auto const architecture = ggufMetadata(mModel, "general.architecture");
    auto const number = [&](char const* key, std::int32_t otherwise)
    {
        auto const value = ggufMetadata(mModel, (architecture + key).c_str());
        return value.empty() ? otherwise : std::stoi(value);
    };
    auto const headSize = llama_model_n_embd(model) / std::max(1, llama_model_n_head(model));
    auto const perHead = number(".attention.key_length", headSize) + number(".attention.value_length", headSize);
    return sizeof(std::uint16_t) * static_cast<std::uint64_t>(llama_model_n_layer(model)) * llama_model_n_head_kv(model)
        * perHead;
}

} // namespace tensorrt_llm::executor::embedded
