// What the executor asks of a loaded model, whichever library computes it.
#pragma once

#include "runner/model_runner.h"
#include "tensorrt_llm/executor/executor.h"

#include <memory>
#include <optional>

namespace tensorrt_llm::executor
{

namespace embedded
{

constexpr SizeType32 kDefaultMaxSequenceTokens = 2048;

/// Limits that TensorRT-LLM fixes when an engine is built. Unset: the engine does not say.
struct EngineLimits
{
    std::optional<SizeType32> maxBatchSize;
    std::optional<SizeType32> maxNumTokens;
    std::optional<SizeType32> maxSequenceTokens;
    std::optional<SizeType32> tokensPerBlock;
    /// Whether a sequence can be cut back to its beginning; a recurrent model's state cannot.
    bool keepsPrefixes{true};
};

/// Every limit decided: from the executor's configuration, else the engine, else a default.
struct Limits
{
    SizeType32 maxBatchSize;
    SizeType32 maxNumTokens;
    SizeType32 maxSequenceTokens;
    SizeType32 tokensPerBlock;
    SizeType32 kvBlocks;
    SizeType32 maxQueueSize;
    bool enableBlockReuse;
};

/// Throws std::invalid_argument where two of them contradict each other or the embedded executor lacks one.
Limits resolveLimits(EngineLimits const& engine, ExecutorConfig const& config);

} // namespace embedded

class Model
{
public:
    virtual ~Model() = default;
    [[nodiscard]] virtual embedded::EngineLimits limits() const = 0;
    /// Takes the KV memory for maxBatchSize slots of maxSequenceTokens each.
    [[nodiscard]] virtual std::unique_ptr<embedded::ModelRunner> createRunner(embedded::Limits const& limits) = 0;
};

} // namespace tensorrt_llm::executor
