// What the shim needs and tensorrt_llm::executor does not offer: loading with progress, facts about the
// engine, its vocabulary. Each executor library brings one implementation of these functions.
#pragma once

#include "status.h"

#include "tensorrt_llm/executor/executor.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trtllm_shim
{

/// Named as in EngineInfo of packages/core, where each field is described.
struct EngineDescription
{
    std::string format;
    std::string name;
    std::string architecture;
    std::string device;
    std::uint64_t parameterCount{0};
    std::uint64_t weightBytes{0};
    std::int32_t vocabularySize{0};
    std::int32_t maxSequenceTokens{0};
    std::int32_t maxBatchSize{0};
    std::int32_t maxBeamWidth{1};
    std::int32_t maxNumTokens{0};
    std::int32_t maxQueueSize{0};
    std::int32_t tokensPerBlock{0};
    std::int32_t kvBlocks{0};
    std::uint64_t kvBytesPerToken{0};
};

struct TokenPiece
{
    std::string bytes;
    bool control{false};
};

/// The tokenizer inside an engine. Its methods may run on any thread, also while the engine generates.
class Vocabulary
{
public:
    virtual ~Vocabulary() = default;
    [[nodiscard]] virtual std::optional<std::int32_t> bosId() const = 0;
    [[nodiscard]] virtual std::optional<std::int32_t> eosId() const = 0;
    [[nodiscard]] virtual std::vector<std::int32_t> endIds() const = 0;
    [[nodiscard]] virtual bool addBos() const = 0;
    [[nodiscard]] virtual std::optional<std::string> chatTemplate() const = 0;
    [[nodiscard]] virtual std::vector<TokenPiece> pieces() const = 0;
    [[nodiscard]] virtual std::vector<std::int32_t> tokenize(
        std::string_view text, bool addSpecial, bool parseSpecial) const = 0;
};

/// What LoRA adapters may change of an engine.
struct LoraSupport
{
    /// A matrix, by TensorRT-LLM's number of its module.
    struct Target
    {
        std::int32_t layer;
        std::int32_t module;

        [[nodiscard]] bool operator<(Target const& other) const
        {
            return std::pair(layer, module) < std::pair(other.layer, other.module);
        }
    };

    struct Shape
    {
        std::int32_t in;
        std::int32_t out;
    };

    tensorrt_llm::executor::DataType dataType{}; // of the weights: kFP32, kFP16 or kBF16
    std::int32_t maxRank{0};
    std::map<Target, Shape> targets; // empty: the engine takes no adapters
};

struct LoadedEngine
{
    EngineDescription description;
    std::shared_ptr<Vocabulary const> vocabulary; // null where the engine carries none
    LoraSupport lora;
    std::unique_ptr<tensorrt_llm::executor::Executor> executor;
};

/// Called with 0 to 1 while an engine loads; false ends the load with TRTLLM_ERR_ABORTED.
using LoadProgress = std::function<bool(float)>;

/// Blocks. `options`: the part of the configuration that only this executor knows (its key: backendName()).
/// Throws StatusError with TRTLLM_ERR_ENGINE_*, _INVALID_ARGUMENT, _UNSUPPORTED, _ABORTED or _OUT_OF_MEMORY.
LoadedEngine loadEngine(std::filesystem::path const& path, tensorrt_llm::executor::ExecutorConfig const& config,
    nlohmann::json const& options, LoadProgress const& progress);

/// "embedded" or "tensorrt_llm".
char const* backendName() noexcept;

/// Name and version of the libraries below the executor.
std::vector<std::pair<std::string, std::string>> backendLibraries();

} // namespace trtllm_shim
