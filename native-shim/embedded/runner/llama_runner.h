#pragma once

#include "runner/llama_model.h"
#include "runner/llama_thread_pool.h"
#include "runner/model_runner.h"

#include <memory>

namespace tensorrt_llm::executor::embedded
{

/// One llama.cpp context; a slot is a sequence with a KV buffer of its own. Own buffers cost memory for
/// maxBatchSize x maxSequenceTokens, and let each sequence attend to its own tokens only: a shared buffer
/// makes every token look at the cells of all. Flash attention is on where the model allows it.
///
/// A step is computed in several llama_decode calls: one for each piece of a prompt, then one for all single
/// tokens in order of slots. llama.cpp computes sequences at once only where their lengths are equal and their
/// ids are neighbours; a mixed call was measured to take a third longer.
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
    void decode(std::vector<StepToken> const& step, std::vector<std::size_t> const& indices);
    void computePrompt(std::vector<StepToken> const& step, std::size_t begin, std::size_t end);

    LlamaModelPtr mModel;
    LlamaThreadPool mThreads;
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

    std::vector<float const*> mLogits;             // by index into the step
    std::vector<std::vector<float>> mPromptLogits; // rows kept over later decodes of the same step
    std::size_t mPromptRows{0};
};

} // namespace tensorrt_llm::executor::embedded
