#include "runner/openvino/openvino_runner.h"

#include "runner/openvino/attention_graph.h"

#include <algorithm>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

namespace
{

SizeType32 blocksFor(SizeType32 tokens)
{
    return (tokens + kOpenVinoTokensPerBlock - 1) / kOpenVinoTokensPerBlock;
}

template <typename T>
ov::Tensor view(std::vector<T>& values)
{
    return {ov::element::from<T>(), {values.size()}, values.data()};
}

} // namespace

OpenVinoRunner::OpenVinoRunner(ov::CompiledModel model, Limits const& limits, SizeType32 vocabularySize)
    : mModel(std::move(model))
    , mMaxSequences(limits.maxBatchSize)
    , mVocabularySize(vocabularySize)
    , mBlocks(kvInputs(mModel), limits.kvBlocks + limits.hostKvBlocks)
    , mRequest(mModel.create_infer_request())
{
    mBlocks.attach(mRequest);
    warmUp();
}

/// Kernels for prompts and for single tokens are compiled now, so that the first request does not wait for them.
void OpenVinoRunner::warmUp()
{
    constexpr SizeType32 kPromptTokens = kOpenVinoTokensPerBlock - 1;
    std::vector<TokenIdType> const tokens(kOpenVinoTokensPerBlock, 0);
    BlockTable const blocks{0};
    auto const ignore = [](std::vector<ComputedPart> const&) {};
    forward({{0, blocks, tokens.data(), kPromptTokens, 0, 1}}, ignore);
    forward({{0, blocks, tokens.data(), 1, kPromptTokens, 1}}, ignore);
}

SizeType32 OpenVinoRunner::maxSequences() const
{
    return mMaxSequences;
}

SizeType32 OpenVinoRunner::vocabularySize() const
{
    return mVocabularySize;
}

void OpenVinoRunner::begin(SequenceStart const& start)
{
    if (start.copyFrom)
    {
        mBlocks.copy(*start.copyFrom, start.blocks[static_cast<std::size_t>(blocksFor(start.storedTokens)) - 1]);
    }
}

void OpenVinoRunner::end(SequenceId /*sequence*/)
{
}

void OpenVinoRunner::moveBlock(BlockId from, BlockId to)
{
    mBlocks.copy(from, to);
}

void OpenVinoRunner::mergeBlock(BlockId /*duplicate*/, BlockId /*kept*/)
{
}

void OpenVinoRunner::dropBlock(BlockId /*block*/)
{
}

void OpenVinoRunner::forward(std::vector<SequenceStep> const& step, PartsComputed const& computed)
{
    mInputIds.clear();
    mPositionIds.clear();
    mPastLens.clear();
    mSubsequenceBegins.assign(1, 0);
    mBlockIndices.clear();
    mBlockIndicesBegins.assign(1, 0);
    mMaxContextLen = 0;
    mWantedRows.clear();
    for (auto const& part : step)
    {
        add(part);
    }
    if (mWantedRows.empty())
    {
        mWantedRows.push_back(0); // a matrix of no rows is not computed by every kernel
    }
    infer();

    auto const logits = mRequest.get_output_tensor(0);
    auto const* row = logits.data<float const>();
    std::vector<ComputedPart> parts;
    for (std::size_t index = 0; index < step.size(); ++index)
    {
        parts.push_back({index, step[index].wantedLogits == 0 ? nullptr : row});
        row += static_cast<std::size_t>(step[index].wantedLogits) * static_cast<std::size_t>(mVocabularySize);
    }
    computed(parts);
}

void OpenVinoRunner::add(SequenceStep const& part)
{
    auto const end = part.position + part.count;
    mInputIds.insert(mInputIds.end(), part.tokens, part.tokens + part.count);
    for (auto position = part.position; position < end; ++position)
    {
        mPositionIds.push_back(position);
    }
    mPastLens.push_back(part.position);
    mSubsequenceBegins.push_back(static_cast<std::int32_t>(mInputIds.size()));
    mBlockIndices.insert(mBlockIndices.end(), part.blocks.begin(), part.blocks.begin() + blocksFor(end));
    mBlockIndicesBegins.push_back(static_cast<std::int32_t>(mBlockIndices.size()));
    mMaxContextLen = std::max(mMaxContextLen, end);
    for (auto row = mSubsequenceBegins.back() - part.wantedLogits; row < mSubsequenceBegins.back(); ++row)
    {
        mWantedRows.push_back(row);
    }
}

void OpenVinoRunner::infer()
{
    mRequest.set_tensor("input_ids", view(mInputIds));
    mRequest.set_tensor("position_ids", view(mPositionIds));
    mRequest.set_tensor("past_lens", view(mPastLens));
    mRequest.set_tensor("subsequence_begins", view(mSubsequenceBegins));
    mRequest.set_tensor("block_indices", view(mBlockIndices));
    mRequest.set_tensor("block_indices_begins", view(mBlockIndicesBegins));
    mRequest.set_tensor("max_context_len", ov::Tensor(ov::element::i32, {}, &mMaxContextLen));
    mRequest.set_tensor(kWantedRows, view(mWantedRows));
    mRequest.infer();
}

} // namespace tensorrt_llm::executor::embedded
