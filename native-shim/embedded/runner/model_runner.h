// The seam between what is ours (scheduling, KV blocks, sampling) and a library that computes logits. A runner
// holds no policy: it does what one step says.
#pragma once

#include "tensorrt_llm/executor/types.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

namespace tensorrt_llm::executor
{
class LoraConfig;
} // namespace tensorrt_llm::executor

namespace tensorrt_llm::executor::embedded
{

/// A block of tokensPerBlock tokens of KV: first the primary pool's blocks, then those of the host's pool.
using BlockId = SizeType32;
/// The blocks of a sequence: block i holds its tokens i * tokensPerBlock and following.
using BlockTable = std::vector<BlockId>;
using SequenceId = std::uint64_t;

/// What happens to the content of blocks between two steps, in this order.
class BlockMemory
{
public:
    virtual ~BlockMemory() = default;
    /// The content of `from` goes into `to`, from one pool to the other. No running sequence uses either.
    virtual void moveBlock(BlockId from, BlockId to) = 0;
    /// Both hold the same; `duplicate` goes, and whoever used it uses `kept`.
    virtual void mergeBlock(BlockId duplicate, BlockId kept) = 0;
    /// Nobody will ask for the content again.
    virtual void dropBlock(BlockId block) = 0;
};

/// A LoRA adapter that a runner has loaded; it is freed with this.
class LoraAdapter
{
public:
    LoraAdapter() = default;
    virtual ~LoraAdapter() = default;
    LoraAdapter(LoraAdapter const&) = delete;
    LoraAdapter& operator=(LoraAdapter const&) = delete;
};

struct SequenceStart
{
    SequenceId sequence;
    BlockTable const& blocks;
    /// Tokens at its beginning whose KV the blocks hold. Where they end inside a block, no other sequence uses
    /// that block from now on.
    SizeType32 storedTokens;
    /// The block from which the last of the stored tokens are to be copied, where they are not in it yet.
    std::optional<BlockId> copyFrom;
    /// Lives as long as the sequence; null: the model as it is.
    LoraAdapter const* lora{nullptr};
};

/// The part of one sequence in a step.
struct SequenceStep
{
    SequenceId sequence;
    BlockTable const& blocks;   // room for every token up to the last of this step
    TokenIdType const* tokens;
    SizeType32 count;           // at least 1
    SizeType32 position;        // of the first token; the KV of all before it is stored
    SizeType32 wantedLogits;    // of so many tokens at the end; 0 to count
};

/// A part of a step whose KV is stored.
struct ComputedPart
{
    std::size_t index;   // into the step
    float const* logits; // [wantedLogits][vocabularySize()], valid during the call
};

using PartsComputed = std::function<void(std::vector<ComputedPart> const&)>;

/// Called from one thread at a time.
class ModelRunner : public BlockMemory
{
public:
    /// Most sequences between begin and end.
    [[nodiscard]] virtual SizeType32 maxSequences() const = 0;
    [[nodiscard]] virtual SizeType32 vocabularySize() const = 0;

    /// `config` has weights. Throws std::exception where they do not fit the model.
    [[nodiscard]] virtual std::unique_ptr<LoraAdapter> loadLora(LoraConfig const& /*config*/)
    {
        throw std::runtime_error("this model takes no LoRA adapters");
    }

    virtual void begin(SequenceStart const& start) = 0;
    /// Its blocks may live on: their content stays until it is dropped.
    virtual void end(SequenceId sequence) = 0;
    /// Only the first `length` of its tokens count from now on, at least 1. Where KV lies in blocks there is nothing
    /// to do: the next step writes over the rest.
    virtual void truncate(SequenceId /*sequence*/, BlockTable const& /*blocks*/, SizeType32 /*length*/) {}

    /// Computes one mixed step and stores its KV. Hands over each part once, in any order, as soon as it is there:
    /// the callee may begin, truncate and end sequences. Throws when the library fails: what the sequences that were not
    /// handed over hold is then not reliable.
    virtual void forward(std::vector<SequenceStep> const& step, PartsComputed const& computed) = 0;
};

} // namespace tensorrt_llm::executor::embedded
