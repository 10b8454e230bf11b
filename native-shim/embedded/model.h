// What the executor asks of a loaded model, whichever library computes it.
#pragma once

#include "runner/lora_weights.h"
#include "runner/model_runner.h"
#include "tensorrt_llm/executor/executor.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace tensorrt_llm::executor
{

class Model;

namespace embedded
{

constexpr SizeType32 kDefaultMaxSequenceTokens = 2048;

/// Speculative decoding: how tokens are guessed that one step then checks together.
struct Speculation
{
    SizeType32 maxDraftLen; // tokens of a guess
    /// Tokens at the end of a sequence that are looked up in it, where no draft model guesses.
    SizeType32 maxMatchingNgramSize{0};
    std::shared_ptr<Model> draftModel{};
    /// Sequences that generate at once, above which nothing is guessed. Unset: any number.
    std::optional<SizeType32> maxConcurrency{};
};

/// Limits that TensorRT-LLM fixes when an engine is built, and what sizes its memory. Unset: the engine does not say.
struct EngineLimits
{
    std::optional<SizeType32> maxBatchSize;
    std::optional<SizeType32> maxNumTokens;
    std::optional<SizeType32> maxSequenceTokens;
    std::optional<SizeType32> tokensPerBlock;
    /// Whether a sequence can be cut back to its beginning; a recurrent model's state cannot.
    bool keepsPrefixes{true};
    /// Bytes of KV; 0 where the engine keeps none per token.
    std::uint64_t kvBytesPerToken{0};
    /// Bytes free for KV, once the weights are loaded.
    std::uint64_t freeMemory{0};
    /// Prompt tokens in a step from which on more of them would only make it longer.
    SizeType32 efficientContextTokens{256};
    /// Copying a part of a block with fewer tokens takes the runner longer than computing them.
    SizeType32 leastPartialReuseTokens{1};
    std::optional<Speculation> speculation{};
};

/// Every limit decided: from the executor's configuration, else the engine, else a default.
struct Limits
{
    SizeType32 maxBatchSize{8};
    SizeType32 maxNumTokens{256};
    SizeType32 maxSequenceTokens{kDefaultMaxSequenceTokens};
    SizeType32 maxQueueSize{1024};
    CapacitySchedulerPolicy capacityPolicy{CapacitySchedulerPolicy::kGUARANTEED_NO_EVICT};
    ContextChunkingPolicy chunkingPolicy{ContextChunkingPolicy::kFIRST_COME_FIRST_SERVED};

    SizeType32 tokensPerBlock{32};
    SizeType32 kvBlocks{0};
    SizeType32 hostKvBlocks{0};
    bool enableBlockReuse{true};
    bool enablePartialReuse{true};
    bool copyOnPartialReuse{true};
    SizeType32 leastPartialReuseTokens{1};
    bool onboardBlocks{true};
    RetentionPriority secondaryOffloadMinPriority{30};
    SizeType32 eventBufferMaxSize{0};
    SizeType32 maxBeamWidth{1};
    bool gatherGenerationLogits{false};
    SizeType32 maxLoraRank{PeftCacheConfig::kDefaultMaxAdapterSize};
    std::size_t loraCacheBytes{std::size_t{1} << 30};
    std::optional<Speculation> speculation{};
    /// A runner that never computes at the same time, so that both may use the same threads; null: there is none.
    ModelRunner const* takesTurnsWith{nullptr};
};

/// Throws std::invalid_argument where two of them contradict each other or the embedded executor lacks one.
Limits resolveLimits(EngineLimits const& engine, ExecutorConfig const& config);

} // namespace embedded

class Model
{
public:
    virtual ~Model() = default;
    [[nodiscard]] virtual embedded::EngineLimits limits() const = 0;
    /// What LoRA adapters may change; nothing where it takes none.
    [[nodiscard]] virtual embedded::LoraShapes loraShapes() const
    {
        return {};
    }
    /// Takes the KV memory for maxBatchSize slots of maxSequenceTokens each.
    [[nodiscard]] virtual std::unique_ptr<embedded::ModelRunner> createRunner(embedded::Limits const& limits) = 0;
};

} // namespace tensorrt_llm::executor
