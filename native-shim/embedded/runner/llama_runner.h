#pragma once

#include "runner/llama_model.h"
#include "runner/model_runner.h"

#include <memory>

namespace tensorrt_llm::executor::embedded
{

/// One llama.cpp context; a slot is a sequence with a KV buffer of its own. Own buffers cost memory for
/// maxBatchSize x maxSequenceTokens, and let each sequence attend to its own tokens only: a shared buffer
/// makes every token look at the cells of all.
class LlamaRunner : public ModelRunner
{
public:
    LlamaRunner(LlamaModelPtr model, Limits const& limits, SizeType32 threads);

    [[nodiscard]] SizeType32 slots() const override;
    [[nodiscard]] SizeType32 vocabularySize() const override;
    void forward(std::vector<StepToken> const& step) override;
    [[nodiscard]] float const* logits(std::size_t index) const override;
    void truncate(Slot slot, SizeType32 length) override;
    void copyPrefix(Slot from, Slot to, SizeType32 length) override;

private:
    void warmUp();

    LlamaModelPtr mModel;
    std::unique_ptr<llama_context, decltype(&llama_free)> mContext;
    SizeType32 mSlots;
    SizeType32 mVocabularySize;

    struct Batch : llama_batch
    {
        explicit Batch(SizeType32 capacity);
        ~Batch();
        Batch(Batch const&) = delete;
        Batch& operator=(Batch const&) = delete;
    } mBatch;
};

} // namespace tensorrt_llm::executor::embedded
