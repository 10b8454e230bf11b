// A GGUF loaded by llama.cpp.
#pragma once

#include "model.h"

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

class LlamaModel : public Model
{
public:
    /// Blocks. progress: called with 0 to 1, false ends the load. Throws LoadError and std::invalid_argument.
    static std::shared_ptr<LlamaModel> load(
        std::filesystem::path const& path, LlamaOptions const& options, std::function<bool(float)> const& progress);

    [[nodiscard]] EngineLimits limits() const override;
    [[nodiscard]] std::unique_ptr<ModelRunner> createRunner(Limits const& limits) override;

    [[nodiscard]] LlamaModelPtr const& llama() const;
    /// A value of the GGUF's metadata; empty where it has none.
    [[nodiscard]] std::string metadata(char const* key) const;
    /// Keys and values of all layers in FP16; 0 where the architecture keeps no KV per token.
    [[nodiscard]] std::uint64_t kvBytesPerToken() const;

private:
    LlamaModel(LlamaModelPtr model, EngineLimits limits, SizeType32 threads);

    LlamaModelPtr mModel;
    EngineLimits mLimits;
    SizeType32 mThreads;
};

} // namespace tensorrt_llm::executor::embedded
