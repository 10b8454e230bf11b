// A GGUF loaded by llama.cpp.
#pragma once

#include "model.h"
#include "runner/lora_weights.h"

#include <filesystem>
#include <functional>
#include <llama.h>
#include <memory>
#include <string>

namespace tensorrt_llm::executor::embedded
{

/// Shared by the model, its runner and its vocabulary: whoever lives longest frees it.
using LlamaModelPtr = std::shared_ptr<llama_model>;

struct LlamaOptions
{
    std::optional<SizeType32> threads;           // default: one per core
    std::optional<SizeType32> maxSequenceTokens; // default: the engine's, else 2048, never above the model's
    std::optional<SizeType32> tokensPerBlock;    // default: the engine's, else 32
};

/// Of a GGUF the vocabulary and the metadata, without weights. Throws LoadError.
LlamaModelPtr loadVocabulary(std::filesystem::path const& gguf);

/// A value of a GGUF's metadata; empty where it has none.
std::string ggufMetadata(LlamaModelPtr const& model, char const* key);

/// The longest sequence: what is asked for, else the engine's, else 2048, never above what the model was trained for.
/// Throws std::invalid_argument where more is asked for.
SizeType32 sequenceTokens(
    std::optional<SizeType32> asked, EngineLimits const& engine, std::optional<SizeType32> trained);

class LlamaModel : public Model
{
public:
    /// Blocks. progress: called with 0 to 1, false ends the load. Throws LoadError and std::invalid_argument.
    static std::shared_ptr<LlamaModel> load(
        std::filesystem::path const& path, LlamaOptions const& options, std::function<bool(float)> const& progress);

    [[nodiscard]] EngineLimits limits() const override;
    [[nodiscard]] std::unique_ptr<ModelRunner> createRunner(Limits const& limits) override;

    [[nodiscard]] LlamaModelPtr const& llama() const;
    /// Keys and values of all layers in FP16; 0 where the architecture keeps no KV per token.
    [[nodiscard]] std::uint64_t kvBytesPerToken() const;
    [[nodiscard]] LoraShapes loraShapes() const override;

private:
    LlamaModel(LlamaModelPtr model, EngineLimits limits, LoraShapes loraShapes, SizeType32 threads);

    LlamaModelPtr mModel;
    EngineLimits mLimits;
    LoraShapes mLoraShapes;
    SizeType32 mThreads;
};

} // namespace tensorrt_llm::executor::embedded
