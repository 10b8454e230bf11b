// Block tables on a library that knows no blocks but whole sequences in slots of their own.
#pragma once

#include "runner/model_runner.h"

#include <unordered_map>

namespace tensorrt_llm::executor::embedded
{

/// A place for one sequence: 0 to the number of slots - 1.
using Slot = SizeType32;
using SavedSlot = std::vector<std::uint8_t>;

/// What the library can do with a slot.
class SlotMemory
{
public:
    virtual ~SlotMemory() = default;
    [[nodiscard]] virtual SavedSlot save(Slot slot) = 0;
    virtual void load(Slot slot, SavedSlot const& saved) = 0;
    /// Keeps the first `length` tokens.
    virtual void truncate(Slot slot, SizeType32 length) = 0;
};

/// Which slot holds which blocks. A block at place i of its sequences lies at the same tokens of every slot that
/// holds it, so a slot is the beginning of a block table. A sequence that begins takes the slot that costs least:
/// best one that holds its beginning already, else one to which it is copied. Content that would be lost with a
/// slot and is still cached is parked in memory until its blocks are dropped. Where that leaves a choice, sequences of
/// one LoRA adapter come to lie side by side.
class SequenceSlots
{
public:
    SequenceSlots(SizeType32 slots, SizeType32 tokensPerBlock, SlotMemory& memory);

    [[nodiscard]] SizeType32 size() const;
    void begin(SequenceStart const& start);
    void end(SequenceId sequence);
    [[nodiscard]] Slot slotOf(SequenceId sequence) const;
    [[nodiscard]] LoraAdapter const* loraOf(SequenceId sequence) const;
    /// The sequence's first `length` tokens are in its slot now.
    void advance(SequenceId sequence, BlockTable const& blocks, SizeType32 length);
    /// Only its first `length` tokens count from now on.
    void truncate(SequenceId sequence, BlockTable const& blocks, SizeType32 length);
    /// `to` is the name of the block from now on.
    void renameBlock(BlockId from, BlockId to);
    void dropBlock(BlockId block);
    /// Bytes of what is parked.
    [[nodiscard]] std::size_t parkedBytes() const;

private:
    struct Content
    {
        BlockTable blocks;
        SizeType32 tokens{0};
    };

    struct SlotState
    {
        Content content;
        bool used{false};
        LoraAdapter const* lora{nullptr}; // while it is used
        std::uint64_t lastUsed{0};
    };

    struct Parked
    {
        Content content;
        SizeType32 savedTokens;
        SavedSlot saved;
    };

    struct Choice
    {
        Slot slot;
        bool inPlace;
        bool parks;
    };

    [[nodiscard]] SizeType32 blocksFor(SizeType32 tokens) const;
    [[nodiscard]] bool holds(Content const& content, SequenceStart const& start) const;
    [[nodiscard]] bool isElsewhere(Content const& content) const;
    [[nodiscard]] SizeType32 apartness(Slot slot, LoraAdapter const* lora) const;
    [[nodiscard]] Choice chooseSlot(SequenceStart const& start) const;
    void park(Slot slot);
    void compactParked(Slot scratch);
    void fetch(Slot slot, SequenceStart const& start);
    void cut(Content& content, std::size_t blocks) const;
    void eraseEmptyParked();
    template <typename Visit>
    void forEachContent(Visit visit);

    SizeType32 const mTokensPerBlock;
    SlotMemory& mMemory;
    std::vector<SlotState> mSlots;
    std::vector<Parked> mParked;
    std::unordered_map<SequenceId, Slot> mSequences;
    std::uint64_t mClock{0};
};

} // namespace tensorrt_llm::executor::embedded
