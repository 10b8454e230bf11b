#include "runner/sequence_slots.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

SequenceSlots::SequenceSlots(SizeType32 slots, SizeType32 tokensPerBlock, SlotMemory& memory)
    : mTokensPerBlock(tokensPerBlock)
    , mMemory(memory)
    , mSlots(slots)
{
}

SizeType32 SequenceSlots::size() const
{
    return static_cast<SizeType32>(mSlots.size());
}

SizeType32 SequenceSlots::blocksFor(SizeType32 tokens) const
{
    return (tokens + mTokensPerBlock - 1) / mTokensPerBlock;
}

Slot SequenceSlots::slotOf(SequenceId sequence) const
{
    return mSequences.at(sequence);
}

LoraAdapter const* SequenceSlots::loraOf(SequenceId sequence) const
{
    return mSlots[slotOf(sequence)].lora;
}

template <typename Visit>
void SequenceSlots::forEachContent(Visit visit)
{
    for (auto& slot : mSlots)
    {
        visit(slot.content);
    }
    for (auto& parked : mParked)
    {
        visit(parked.content);
    }
}

bool SequenceSlots::holds(Content const& content, SequenceStart const& start) const
{
    auto const blocks = static_cast<std::size_t>(blocksFor(start.storedTokens));
    if (content.tokens < start.storedTokens || content.blocks.size() < blocks)
    {
        return false;
    }
    auto const whole = start.copyFrom ? blocks - 1 : blocks;
    return std::equal(content.blocks.begin(), content.blocks.begin() + static_cast<std::ptrdiff_t>(whole),
               start.blocks.begin())
        && (!start.copyFrom || content.blocks[whole] == *start.copyFrom);
}

/// Whether another slot, or what is parked, holds the last block too, and so all before it.
bool SequenceSlots::isElsewhere(Content const& content) const
{
    auto const last = content.blocks.size() - 1;
    auto const hasIt = [&](Content const& other)
    {
        return &other != &content && other.blocks.size() > last && other.blocks[last] == content.blocks[last]
            && other.tokens >= content.tokens;
    };
    return std::any_of(mSlots.begin(), mSlots.end(), [&](auto const& slot) { return hasIt(slot.content); })
        || std::any_of(mParked.begin(), mParked.end(), [&](auto const& parked) { return hasIt(parked.content); });
}

/// 0 beside a sequence of the same adapter; else the less, the more room there is for others to come beside it.
SizeType32 SequenceSlots::apartness(Slot slot, LoraAdapter const* lora) const
{
    auto distance = size();
    for (Slot other = 0; other < size(); ++other)
    {
        auto const apart = std::abs(other - slot);
        if (!mSlots[other].used)
        {
            continue;
        }
        if (apart == 1 && mSlots[other].lora == lora)
        {
            return 0;
        }
        distance = std::min(distance, apart);
    }
    return 1 + size() - distance;
}

SequenceSlots::Choice SequenceSlots::chooseSlot(SequenceStart const& start) const
{
    // Tokens to move, then neighbours, then the slot used longest ago.
    using Cost = std::tuple<SizeType32, SizeType32, std::uint64_t>;
    std::optional<std::pair<Cost, Choice>> best;
    for (Slot slot = 0; slot < size(); ++slot)
    {
        auto const& state = mSlots[slot];
        if (state.used)
        {
            continue;
        }
        auto const& content = state.content;
        bool const inPlace = start.storedTokens > 0 && holds(content, start);
        auto const kept = inPlace ? blocksFor(start.storedTokens) - (start.copyFrom ? 1 : 0) : 0;
        bool const parks = content.blocks.size() > static_cast<std::size_t>(kept) && !isElsewhere(content);
        Cost const cost{(parks ? content.tokens : 0) + (inPlace ? 0 : start.storedTokens),
            apartness(slot, start.lora), state.lastUsed};
        if (!best || cost < best->first)
        {
            best = {cost, {slot, inPlace, parks}};
        }
    }
    if (!best)
    {
        throw std::logic_error("more sequences began than there are slots");
    }
    return best->second;
}

void SequenceSlots::begin(SequenceStart const& start)
{
    auto const choice = chooseSlot(start);
    auto const slot = choice.slot;
    if (choice.parks)
    {
        park(slot);
    }
    if (!choice.inPlace)
    {
        mSlots[slot].content = {};
        compactParked(slot);
        if (start.storedTokens > 0)
        {
            fetch(slot, start);
        }
    }
    mMemory.truncate(slot, start.storedTokens);

    auto const blocks = static_cast<std::size_t>(blocksFor(start.storedTokens));
    auto& state = mSlots[slot];
    state.content.blocks.assign(start.blocks.begin(), start.blocks.begin() + static_cast<std::ptrdiff_t>(blocks));
    state.content.tokens = start.storedTokens;
    state.used = true;
    state.lora = start.lora;
    mSequences[start.sequence] = slot;

    if (start.storedTokens % mTokensPerBlock > 0)
    {
        // The sequence writes on in its last block: what others hold of it is of no use any more.
        forEachContent(
            [&](Content& content)
            {
                if (&content != &state.content && content.blocks.size() >= blocks
                    && content.blocks[blocks - 1] == start.blocks[blocks - 1])
                {
                    cut(content, blocks - 1);
                }
            });
    }
    eraseEmptyParked();
}

void SequenceSlots::fetch(Slot slot, SequenceStart const& start)
{
    auto const parked = std::find_if(
        mParked.begin(), mParked.end(), [&](Parked const& each) { return holds(each.content, start); });
    if (parked != mParked.end())
    {
        mMemory.load(slot, parked->saved);
        auto const kept = static_cast<std::size_t>(blocksFor(start.storedTokens) - (start.copyFrom ? 1 : 0));
        if (parked->content.blocks.size() <= kept)
        {
            mParked.erase(parked); // the slot holds it all
        }
        return;
    }
    for (Slot other = 0; other < size(); ++other)
    {
        if (other != slot && holds(mSlots[other].content, start))
        {
            mMemory.load(slot, mMemory.save(other));
            return;
        }
    }
    throw std::logic_error("a sequence began with blocks that are nowhere");
}

void SequenceSlots::park(Slot slot)
{
    auto& content = mSlots[slot].content;
    mMemory.truncate(slot, content.tokens);
    mParked.push_back({content, content.tokens, mMemory.save(slot)});
}

/// What was parked whole is saved anew where most of it has been dropped since.
void SequenceSlots::compactParked(Slot scratch)
{
    for (auto& parked : mParked)
    {
        if (parked.content.tokens < parked.savedTokens / 2)
        {
            mMemory.load(scratch, parked.saved);
            mMemory.truncate(scratch, parked.content.tokens);
            parked.saved = mMemory.save(scratch);
            parked.savedTokens = parked.content.tokens;
        }
    }
}

void SequenceSlots::end(SequenceId sequence)
{
    auto& state = mSlots[slotOf(sequence)];
    state.used = false;
    state.lastUsed = ++mClock;
    mSequences.erase(sequence);
}

void SequenceSlots::advance(SequenceId sequence, BlockTable const& blocks, SizeType32 length)
{
    auto& content = mSlots[slotOf(sequence)].content;
    content.blocks.assign(blocks.begin(), blocks.begin() + blocksFor(length));
    content.tokens = length;
}

void SequenceSlots::truncate(SequenceId sequence, BlockTable const& blocks, SizeType32 length)
{
    mMemory.truncate(slotOf(sequence), length);
    advance(sequence, blocks, length);
}

void SequenceSlots::renameBlock(BlockId from, BlockId to)
{
    forEachContent([&](Content& content) { std::replace(content.blocks.begin(), content.blocks.end(), from, to); });
}

void SequenceSlots::dropBlock(BlockId block)
{
    forEachContent(
        [&](Content& content)
        {
            auto const found = std::find(content.blocks.begin(), content.blocks.end(), block);
            if (found != content.blocks.end())
            {
                cut(content, static_cast<std::size_t>(found - content.blocks.begin()));
            }
        });
    eraseEmptyParked();
}

void SequenceSlots::cut(Content& content, std::size_t blocks) const
{
    content.blocks.resize(blocks);
    content.tokens = std::min(content.tokens, static_cast<SizeType32>(blocks) * mTokensPerBlock);
}

void SequenceSlots::eraseEmptyParked()
{
    mParked.erase(std::remove_if(mParked.begin(), mParked.end(),
                      [](Parked const& parked) { return parked.content.blocks.empty(); }),
        mParked.end());
}

std::size_t SequenceSlots::parkedBytes() const
{
    std::size_t bytes = 0;
    for (auto const& parked : mParked)
    {
        bytes += parked.saved.size();
    }
    return bytes;
}

} // namespace tensorrt_llm::executor::embedded
