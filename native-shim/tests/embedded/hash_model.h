// A model whose next token is a hash of all the tokens before it: a KV cache that holds anything but what it
// should changes the answer. It also checks what every step asks of it.
#pragma once

#include "model.h"
#include "runner/sequence_slots.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace hash_model
{

using namespace tensorrt_llm::executor;
using embedded::BlockId;
using embedded::Limits;
using embedded::SequenceId;
using embedded::SequenceStart;
using embedded::SequenceStep;

constexpr SizeType32 kVocabularySize = 64;

inline TokenIdType nextToken(VecTokens const& tokens)
{
    std::uint64_t hash = 1469598103934665603ull;
    for (auto const token : tokens)
    {
        hash = (hash ^ static_cast<std::uint64_t>(token + 1)) * 1099511628211ull;
    }
    return static_cast<TokenIdType>((hash >> 32) % kVocabularySize);
}

/// 8 for the next token, a hash from 0 to 6 for each other one.
inline std::vector<float> logitsAfter(VecTokens const& tokens)
{
    std::vector<float> logits(static_cast<std::size_t>(kVocabularySize));
    std::uint32_t hash = 7;
    for (auto const token : tokens)
    {
        hash = (hash ^ static_cast<std::uint32_t>(token + 1)) * 16777619u;
    }
    for (auto& logit : logits)
    {
        hash = hash * 1664525u + 1013904223u;
        logit = static_cast<float>(hash >> 16) * (6.f / 65536.f);
    }
    logits[static_cast<std::size_t>(nextToken(tokens))] = 8.f;
    return logits;
}

/// What a token is to a model with a LoRA adapter; 0 is none, and there are three.
inline TokenIdType marked(TokenIdType token, TokenIdType lora)
{
    return token + lora * kVocabularySize;
}

/// Of a model that agrees with this one on so many of a hundred next tokens.
inline std::vector<float> logitsOfLike(VecTokens const& tokens, int percentRight)
{
    auto logits = logitsAfter(tokens);
    auto const next = static_cast<std::size_t>(nextToken(tokens));
    bool const right = (next * 37 + tokens.size() * 11) % 100 < static_cast<std::size_t>(percentRight);
    logits[right ? next : (next + 1) % logits.size()] = 9.f;
    return logits;
}

/// What greedy decoding gives for a prompt, by the definition above.
inline VecTokens expectedAnswer(
    VecTokens const& prompt, SizeType32 maxTokens, TokenIdType endId = -1, TokenIdType lora = 0)
{
    auto tokens = prompt;
    for (auto& token : tokens)
    {
        token = marked(token, lora);
    }
    auto const begin = static_cast<std::ptrdiff_t>(prompt.size());
    while (static_cast<SizeType32>(tokens.size() - prompt.size()) < maxTokens)
    {
        auto const token = nextToken(tokens);
        if (token == endId)
        {
            break;
        }
        tokens.push_back(marked(token, lora));
    }
    VecTokens answer(tokens.begin() + begin, tokens.end());
    for (auto& token : answer)
    {
        token -= lora * kVocabularySize;
    }
    return answer;
}

/// An adapter for this model: its weights are a number from 1 to 3, padded to `bytes`.
inline LoraConfig loraConfig(std::uint64_t taskId, TokenIdType lora, std::int64_t bytes = 4)
{
    auto weights = Tensor::cpu(DataType::kFP32, {1, bytes / 4});
    *static_cast<float*>(weights.getData()) = static_cast<float>(lora);
    return LoraConfig(taskId, weights, Tensor::cpu(DataType::kINT32, {1, 3}));
}

struct Observations
{
    std::atomic<std::size_t> largestStep{0};
    std::atomic<std::size_t> computedTokens{0};
    std::atomic<int> loraLoads{0};
    std::atomic<int> lorasLoaded{0}; // and not freed
    std::atomic<int> failAfterSteps{-1}; // 0: the next step throws
    int percentRight{100};               // of a draft model
};

inline void require(bool condition, char const* what)
{
    if (!condition)
    {
        throw std::logic_error(std::string("the runner was asked for ") + what);
    }
}

class HashLora : public embedded::LoraAdapter
{
public:
    HashLora(TokenIdType lora, std::shared_ptr<Observations> observations)
        : mark(lora)
        , mObservations(std::move(observations))
    {
        ++mObservations->loraLoads;
        ++mObservations->lorasLoaded;
    }

    ~HashLora() override
    {
        --mObservations->lorasLoaded;
    }

    TokenIdType const mark;

private:
    std::shared_ptr<Observations> mObservations;
};

/// What both runners check and compute; they differ in where they keep the tokens.
class HashRunner : public embedded::ModelRunner
{
public:
    HashRunner(Limits const& limits, std::shared_ptr<Observations> observations)
        : mLimits(limits)
        , mObservations(std::move(observations))
    {
    }

    [[nodiscard]] SizeType32 maxSequences() const override
    {
        return mLimits.maxBatchSize;
    }

    [[nodiscard]] SizeType32 vocabularySize() const override
    {
        return kVocabularySize;
    }

    [[nodiscard]] std::unique_ptr<embedded::LoraAdapter> loadLora(LoraConfig const& config) override
    {
        auto const weights = *config.getWeights();
        auto const mark = static_cast<TokenIdType>(*static_cast<float const*>(weights.getData()));
        if (mark < 1 || mark > 3)
        {
            throw std::runtime_error("this adapter is broken");
        }
        return std::make_unique<HashLora>(mark, mObservations);
    }

    /// Hands over each part by itself, the last one first: nobody may rely on the order.
    void forward(std::vector<SequenceStep> const& step, embedded::PartsComputed const& computed) override
    {
        if (mObservations->failAfterSteps >= 0 && mObservations->failAfterSteps-- == 0)
        {
            throw std::runtime_error("the step failed as asked");
        }
        require(!step.empty(), "an empty step");
        std::size_t total = 0;
        for (auto const& part : step)
        {
            total += static_cast<std::size_t>(part.count);
        }
        require(total <= static_cast<std::size_t>(mLimits.maxNumTokens), "a step above maxNumTokens");
        mObservations->largestStep = std::max(mObservations->largestStep.load(), total);
        mObservations->computedTokens += total;
        for (std::size_t index = step.size(); index-- > 0;)
        {
            auto const logits = compute(step[index]);
            computed({{index, logits.data()}});
        }
    }

protected:
    /// The tokens of a sequence before a step, and all of them after it.
    [[nodiscard]] virtual VecTokens stored(SequenceStep const& part) = 0;
    virtual void store(SequenceStep const& part, VecTokens const& tokens) = 0;

    void noteLora(SequenceStart const& start)
    {
        mMarks[start.sequence] = start.lora == nullptr ? 0 : dynamic_cast<HashLora const&>(*start.lora).mark;
    }

    Limits const mLimits;

private:
    /// [wantedLogits][kVocabularySize]
    std::vector<float> compute(SequenceStep const& part)
    {
        auto tokens = stored(part);
        require(static_cast<SizeType32>(tokens.size()) == part.position, "a token at the wrong position");
        require(part.position + part.count <= mLimits.maxSequenceTokens, "a sequence that is too long");
        std::vector<float> logits;
        for (SizeType32 i = 0; i < part.count; ++i)
        {
            tokens.push_back(marked(part.tokens[i], mMarks.at(part.sequence)));
            if (i >= part.count - part.wantedLogits)
            {
                auto const percent = mObservations->percentRight;
                auto const row = percent < 100 ? logitsOfLike(tokens, percent) : logitsAfter(tokens);
                logits.insert(logits.end(), row.begin(), row.end());
            }
        }
        store(part, tokens);
        return logits;
    }

    std::shared_ptr<Observations> mObservations;
    std::map<SequenceId, TokenIdType> mMarks;
};

/// Keeps tokens in blocks, as an engine with paged attention keeps KV.
class PagedHashRunner : public HashRunner
{
public:
    PagedHashRunner(Limits const& limits, std::shared_ptr<Observations> observations)
        : HashRunner(limits, std::move(observations))
        , mBlocks(static_cast<std::size_t>(limits.kvBlocks + limits.hostKvBlocks))
    {
    }

    void begin(SequenceStart const& start) override
    {
        require(mRunning.size() < static_cast<std::size_t>(mLimits.maxBatchSize), "more sequences than maxBatchSize");
        require(mRunning.insert(start.sequence).second, "a sequence that runs already");
        noteLora(start);
        auto const inLast = start.storedTokens % mLimits.tokensPerBlock;
        if (start.copyFrom)
        {
            require(inLast > 0, "a copy of a whole block");
            auto const last = start.blocks.at(static_cast<std::size_t>(start.storedTokens / mLimits.tokensPerBlock));
            block(last) = block(*start.copyFrom);
        }
        for (SizeType32 i = 0; i * mLimits.tokensPerBlock < start.storedTokens; ++i)
        {
            auto& tokens = block(start.blocks.at(static_cast<std::size_t>(i)));
            auto const wanted = std::min(mLimits.tokensPerBlock, start.storedTokens - i * mLimits.tokensPerBlock);
            require(static_cast<SizeType32>(tokens.size()) >= wanted, "a reuse of what is not there");
            tokens.resize(static_cast<std::size_t>(wanted));
        }
    }

    void end(SequenceId sequence) override
    {
        require(mRunning.erase(sequence) == 1, "the end of a sequence that does not run");
    }

    void truncate(SequenceId sequence, embedded::BlockTable const& blocks, SizeType32 length) override
    {
        require(mRunning.count(sequence) == 1, "a truncation of a sequence that does not run");
        auto const inLast = (length - 1) % mLimits.tokensPerBlock + 1;
        auto& last = block(blocks.at(static_cast<std::size_t>((length - 1) / mLimits.tokensPerBlock)));
        require(static_cast<SizeType32>(last.size()) >= inLast, "a truncation that lengthens");
        last.resize(static_cast<std::size_t>(inLast));
    }

    void moveBlock(BlockId from, BlockId to) override
    {
        bool const offloads = from < mLimits.kvBlocks;
        require(offloads != (to < mLimits.kvBlocks), "a move within one pool");
        block(to) = std::exchange(block(from), {});
    }

    void mergeBlock(BlockId duplicate, BlockId kept) override
    {
        require(block(duplicate) == block(kept), "a merge of different blocks");
        block(duplicate).clear();
    }

    void dropBlock(BlockId dropped) override
    {
        block(dropped).clear();
    }

private:
    [[nodiscard]] VecTokens stored(SequenceStep const& part) override
    {
        require(mRunning.count(part.sequence) == 1, "a step of a sequence that has not begun");
        VecTokens tokens;
        for (SizeType32 at = 0; at < part.position; at += mLimits.tokensPerBlock)
        {
            auto const& from = block(part.blocks.at(static_cast<std::size_t>(at / mLimits.tokensPerBlock)));
            auto const count = std::min(mLimits.tokensPerBlock, part.position - at);
            require(static_cast<SizeType32>(from.size()) >= count, "a step on KV that is not there");
            tokens.insert(tokens.end(), from.begin(), from.begin() + count);
        }
        return tokens;
    }

    void store(SequenceStep const& part, VecTokens const& tokens) override
    {
        auto const first = part.position / mLimits.tokensPerBlock;
        for (auto i = first; i * mLimits.tokensPerBlock < static_cast<SizeType32>(tokens.size()); ++i)
        {
            auto const begin = i * mLimits.tokensPerBlock;
            auto const end = std::min(begin + mLimits.tokensPerBlock, static_cast<SizeType32>(tokens.size()));
            auto const id = part.blocks.at(static_cast<std::size_t>(i));
            require(id < mLimits.kvBlocks, "a step on a block of the host's pool");
            block(id).assign(tokens.begin() + begin, tokens.begin() + end);
        }
    }

    VecTokens& block(BlockId id)
    {
        return mBlocks.at(static_cast<std::size_t>(id));
    }

    std::vector<VecTokens> mBlocks;
    std::set<SequenceId> mRunning;
};

/// Keeps whole sequences in slots, as llama.cpp does.
class SlotHashRunner : public HashRunner, private embedded::SlotMemory
{
public:
    SlotHashRunner(Limits const& limits, std::shared_ptr<Observations> observations)
        : HashRunner(limits, std::move(observations))
        , slots(limits.maxBatchSize, limits.tokensPerBlock, *this)
        , mTokens(static_cast<std::size_t>(limits.maxBatchSize))
    {
    }

    void begin(SequenceStart const& start) override
    {
        noteLora(start);
        slots.begin(start);
        require(static_cast<SizeType32>(tokensOf(start.sequence).size()) == start.storedTokens, "a wrong length");
    }

    void end(SequenceId sequence) override
    {
        slots.end(sequence);
    }

    void truncate(SequenceId sequence, embedded::BlockTable const& blocks, SizeType32 length) override
    {
        slots.truncate(sequence, blocks, length);
    }

    void moveBlock(BlockId from, BlockId to) override
    {
        slots.renameBlock(from, to);
    }

    void mergeBlock(BlockId duplicate, BlockId kept) override
    {
        slots.renameBlock(duplicate, kept);
    }

    void dropBlock(BlockId block) override
    {
        slots.dropBlock(block);
    }

    embedded::SequenceSlots slots;

private:
    [[nodiscard]] VecTokens stored(SequenceStep const& part) override
    {
        return tokensOf(part.sequence);
    }

    void store(SequenceStep const& part, VecTokens const& tokens) override
    {
        tokensOf(part.sequence) = tokens;
        slots.advance(part.sequence, part.blocks, part.position + part.count);
    }

    [[nodiscard]] embedded::SavedSlot save(embedded::Slot slot) override
    {
        auto const& tokens = mTokens.at(static_cast<std::size_t>(slot));
        return {tokens.begin(), tokens.end()}; // every token is below 256
    }

    void load(embedded::Slot slot, embedded::SavedSlot const& saved) override
    {
        mTokens.at(static_cast<std::size_t>(slot)).assign(saved.begin(), saved.end());
    }

    void truncate(embedded::Slot slot, SizeType32 length) override
    {
        auto& tokens = mTokens.at(static_cast<std::size_t>(slot));
        require(length <= static_cast<SizeType32>(tokens.size()), "a truncation that lengthens");
        tokens.resize(static_cast<std::size_t>(length));
    }

    VecTokens& tokensOf(SequenceId sequence)
    {
        return mTokens.at(static_cast<std::size_t>(slots.slotOf(sequence)));
    }

    std::vector<VecTokens> mTokens;
};

class HashModel : public Model
{
public:
    HashModel(SizeType32 maxSequenceTokens, SizeType32 tokensPerBlock, bool inSlots = false,
        std::shared_ptr<Observations> observed = std::make_shared<Observations>())
        : observations(std::move(observed))
        , mMaxSequenceTokens(maxSequenceTokens)
        , mTokensPerBlock(tokensPerBlock)
        , mInSlots(inSlots)
    {
    }

    [[nodiscard]] embedded::EngineLimits limits() const override
    {
        embedded::EngineLimits limits;
        limits.maxSequenceTokens = mMaxSequenceTokens;
        limits.tokensPerBlock = mTokensPerBlock;
        limits.kvBytesPerToken = 1;
        limits.speculation = speculation;
        return limits;
    }

    [[nodiscard]] std::unique_ptr<embedded::ModelRunner> createRunner(Limits const& limits) override
    {
        if (mInSlots)
        {
            return std::make_unique<SlotHashRunner>(limits, observations);
        }
        return std::make_unique<PagedHashRunner>(limits, observations);
    }

    std::shared_ptr<Observations> const observations;
    std::optional<embedded::Speculation> speculation;

private:
    SizeType32 mMaxSequenceTokens;
    SizeType32 mTokensPerBlock;
    bool mInSlots;
};

} // namespace hash_model
