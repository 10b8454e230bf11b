#pragma once

#include "runner/llama_model.h"
#include "runner/llama_thread_pool.h"
#include "runner/model_runner.h"
#include "runner/sequence_slots.h"

#include <memory>

namespace tensorrt_llm::executor::embedded
{

/// One llama.cpp context; a slot is a sequence with a KV buffer of its own. Own buffers cost memory for
/// maxBatchSize x maxSequenceTokens, and let each sequence attend to its own tokens only: a shared buffer
/// makes every token look at the cells of all. Flash attention is on where the model allows it.
///
/// On a CPU a step is computed in several llama_decode calls: one for each piece of a prompt, then one for all
/// single tokens in order of slots, and one for all drafts of a length. llama.cpp computes sequences at once only where their lengths are equal and
/// their ids are neighbours; a mixed call was measured to take a third longer, and an answer need not wait for the
/// prompts behind it. On a GPU one call does all: it has room for more than one sequence's tokens. Slots that leave
/// a gap between neighbours get a token that is taken back: eight answers in every other of 16 slots took 43 ms in
/// eight calls inside of llama.cpp's, and 27 ms with their gaps filled.
/// A call computes with one LoRA adapter or none, so a step does that for each adapter in it.
class LlamaRunner : public ModelRunner, private SlotMemory
{
public:
    LlamaRunner(LlamaModelPtr model, Limits const& limits, LoraShapes loraShapes, SizeType32 threads);

    [[nodiscard]] LlamaThreadPool const& threadPool() const;

    [[nodiscard]] SizeType32 maxSequences() const override;
    [[nodiscard]] SizeType32 vocabularySize() const override;
    [[nodiscard]] std::unique_ptr<LoraAdapter> loadLora(LoraConfig const& config) override;
    void begin(SequenceStart const& start) override;
    void end(SequenceId sequence) override;
    void truncate(SequenceId sequence, BlockTable const& blocks, SizeType32 length) override;
    void forward(std::vector<SequenceStep> const& step, PartsComputed const& computed) override;
    void moveBlock(BlockId from, BlockId to) override;
    void mergeBlock(BlockId duplicate, BlockId kept) override;
    void dropBlock(BlockId block) override;

private:
    class Lora;

    [[nodiscard]] SavedSlot save(Slot slot) override;
    void load(Slot slot, SavedSlot const& saved) override;
    void truncate(Slot slot, SizeType32 length) override;

    void warmUp();
    void addToBatch(SequenceStep const& part, Slot slot);
    void bridge(Slot from, Slot to, SizeType32 room);
    void decode();
    void use(Lora const* lora);
    void forward(std::vector<SequenceStep> const& step, std::vector<std::size_t> const& indices,
        PartsComputed const& computed);
    void compute(std::vector<SequenceStep> const& step, std::vector<std::size_t> indices, PartsComputed const& computed);

    LlamaModelPtr mModel;
    LlamaThreadPool mThreads;
    std::unique_ptr<llama_context, decltype(&llama_free)> mContext;
    SequenceSlots mSlots;
    SizeType32 mVocabularySize;
    SizeType32 mMaxPositions;
    bool mOnGpu;
    LoraShapes mLoraShapes;
    SizeType32 mMaxLoraRank;
    Lora const* mLora{nullptr}; // in use

    struct Batch : llama_batch
    {
        explicit Batch(SizeType32 capacity);
        ~Batch();
        Batch(Batch const&) = delete;
        Batch& operator=(Batch const&) = delete;
    } mBatch;

    struct Bridge
    {
        Slot slot;
        SizeType32 position;
    };

    std::vector<Bridge> mBridges;        // in the batch
    std::vector<ComputedPart> mComputed; // by the last call
};

} // namespace tensorrt_llm::executor::embedded
