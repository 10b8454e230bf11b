#pragma once

#include "model.h"
#include "runner/openvino/kv_blocks.h"
#include "runner/model_runner.h"

#include <openvino/runtime/compiled_model.hpp>
#include <openvino/runtime/infer_request.hpp>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

/// Paged attention: block tables go to the model as they are, and a whole mixed step is one inference.
class OpenVinoRunner : public ModelRunner
{
public:
    /// Throws std::bad_alloc where there is no memory for the blocks.
    OpenVinoRunner(ov::CompiledModel model, Limits const& limits, SizeType32 vocabularySize);

    [[nodiscard]] SizeType32 maxSequences() const override;
    [[nodiscard]] SizeType32 vocabularySize() const override;
    void begin(SequenceStart const& start) override;
    void end(SequenceId sequence) override;
    void forward(std::vector<SequenceStep> const& step, PartsComputed const& computed) override;
    void moveBlock(BlockId from, BlockId to) override;
    void mergeBlock(BlockId duplicate, BlockId kept) override;
    void dropBlock(BlockId block) override;

private:
    void warmUp();
    void add(SequenceStep const& part);
    void infer();

    ov::CompiledModel mModel;
    SizeType32 mMaxSequences;
    SizeType32 mVocabularySize;
    KvBlocks mBlocks;
    ov::InferRequest mRequest;

    // The inputs of a step, named as the model names them.
    std::vector<std::int64_t> mInputIds;
    std::vector<std::int64_t> mPositionIds;
    std::vector<std::int32_t> mPastLens;
    std::vector<std::int32_t> mSubsequenceBegins;
    std::vector<std::int32_t> mBlockIndices;
    std::vector<std::int32_t> mBlockIndicesBegins;
    std::int32_t mMaxContextLen{0};
    std::vector<std::int64_t> mWantedRows;
};

} // namespace tensorrt_llm::executor::embedded
