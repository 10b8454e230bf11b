// The seam between what is ours (scheduling, KV accounting, sampling) and a library that computes
// logits. A runner holds no policy: it does what one step says.
#pragma once

#include "tensorrt_llm/executor/types.h"

#include <cstddef>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

/// A sequence's place in the runner's KV memory: 0 to slots() - 1.
using Slot = SizeType32;

struct StepToken
{
    TokenIdType token;
    SizeType32 position; // in its sequence, from 0; equals the number of tokens the slot holds before it
    Slot slot;
    bool wantLogits;
};

/// Called from one thread at a time.
class ModelRunner
{
public:
    virtual ~ModelRunner() = default;

    [[nodiscard]] virtual SizeType32 slots() const = 0;
    [[nodiscard]] virtual SizeType32 vocabularySize() const = 0;

    /// Computes one mixed step and stores its KV. Throws when the library fails; the slots named in the
    /// step then hold nothing reliable.
    virtual void forward(std::vector<StepToken> const& step) = 0;
    /// [vocabularySize()] for step[index], which wanted logits; valid until the next forward.
    [[nodiscard]] virtual float const* logits(std::size_t index) const = 0;

    /// Keeps the first `length` tokens of a slot.
    virtual void truncate(Slot slot, SizeType32 length) = 0;
    /// Replaces the content of `to` by the first `length` tokens of `from`.
    virtual void copyPrefix(Slot from, Slot to, SizeType32 length) = 0;
};

} // namespace tensorrt_llm::executor::embedded
