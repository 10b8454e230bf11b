#include "runner/llama_runner.h"

#include "load_error.h"
#include "runner/llama_library.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

namespace
{

/// Tokens that llama.cpp computes at once; a step is cut into pieces of this size.
constexpr SizeType32 kMicroBatch = 512;

llama_context* createContext(llama_model* model, Limits const& limits, SizeType32 threads)
{
    if (limits.maxBatchSize > static_cast<SizeType32>(llama_max_parallel_sequences()))
    {
        throw std::invalid_argument("maxBatchSize is " + std::to_string(limits.maxBatchSize) + "; llama.cpp runs "
            + std::to_string(llama_max_parallel_sequences()) + " sequences at most");
    }
    auto parameters = llama_context_default_params();
    parameters.n_ctx = static_cast<std::uint32_t>(limits.maxBatchSize) * limits.maxSequenceTokens;
    parameters.n_seq_max = limits.maxBatchSize;
    parameters.n_batch = limits.maxNumTokens;
    parameters.n_ubatch = std::min(limits.maxNumTokens, kMicroBatch);
    parameters.kv_unified = false;
    parameters.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_AUTO;
    parameters.n_threads = threads;
    parameters.n_threads_batch = threads;
    parameters.no_perf = true;

    LlamaErrors const errors;
    auto* const context = llama_init_from_model(model, parameters);
    if (context == nullptr)
    {
        throw LoadError(LoadError::Kind::kOUT_OF_MEMORY,
            "no memory for a KV cache of " + std::to_string(limits.maxBatchSize) + " sequences of "
                + std::to_string(limits.maxSequenceTokens) + " tokens; lower maxBatchSize or maxSequenceTokens. "
                + errors.text());
    }
    return context;
}

} // namespace

LlamaRunner::Batch::Batch(SizeType32 capacity)
    : llama_batch(llama_batch_init(capacity, 0, 1))
{
}

LlamaRunner::Batch::~Batch()
{
    llama_batch_free(*this);
}

LlamaRunner::LlamaRunner(LlamaModelPtr model, Limits const& limits, SizeType32 threads)
    : mModel(std::move(model))
    , mThreads(createLlamaThreadPool(threads))
    , mContext(createContext(mModel.get(), limits, threads), llama_free)
    , mSlots(limits.maxBatchSize)
    , mVocabularySize(llama_vocab_n_tokens(llama_model_get_vocab(mModel.get())))
    , mBatch(limits.maxNumTokens)
{
    if (mThreads)
    {
        llama_attach_threadpool(mContext.get(), mThreads.get(), nullptr);
    }
    warmUp();
}

/// Reads the weights into memory once, so that the first request does not wait for the disk.
void LlamaRunner::warmUp()
{
    forward({{0, 0, 0, false}});
    llama_memory_clear(llama_get_memory(mContext.get()), true);
}

SizeType32 LlamaRunner::slots() const
{
    return mSlots;
}

SizeType32 LlamaRunner::vocabularySize() const
{
    return mVocabularySize;
}

void LlamaRunner::forward(std::vector<StepToken> const& step)
{
    mLogits.assign(step.size(), nullptr);
    mPromptRows = 0;
    std::vector<std::size_t> singles;
    for (std::size_t begin = 0; begin < step.size();)
    {
        auto end = begin + 1;
        while (end < step.size() && step[end].slot == step[begin].slot)
        {
            ++end;
        }
        if (end - begin == 1)
        {
            singles.push_back(begin);
        }
        else
        {
            computePrompt(step, begin, end);
        }
        begin = end;
    }
    if (!singles.empty())
    {
        std::sort(singles.begin(), singles.end(), [&](auto a, auto b) { return step[a].slot < step[b].slot; });
        decode(step, singles);
    }
}

void LlamaRunner::computePrompt(std::vector<StepToken> const& step, std::size_t begin, std::size_t end)
{
    std::vector<std::size_t> indices(end - begin);
    std::iota(indices.begin(), indices.end(), begin);
    decode(step, indices);
    if (auto const last = end - 1; mLogits[last] != nullptr)
    {
        if (mPromptRows == mPromptLogits.size())
        {
            mPromptLogits.emplace_back();
        }
        auto& row = mPromptLogits[mPromptRows++];
        row.assign(mLogits[last], mLogits[last] + mVocabularySize);
        mLogits[last] = row.data();
    }
}

void LlamaRunner::decode(std::vector<StepToken> const& step, std::vector<std::size_t> const& indices)
{
    mBatch.n_tokens = static_cast<std::int32_t>(indices.size());
    for (std::size_t i = 0; i < indices.size(); ++i)
    {
        auto const& token = step[indices[i]];
        mBatch.token[i] = token.token;
        mBatch.pos[i] = token.position;
        mBatch.n_seq_id[i] = 1;
        mBatch.seq_id[i][0] = token.slot;
        mBatch.logits[i] = token.wantLogits;
    }
    LlamaErrors const errors;
    if (auto const status = llama_decode(mContext.get(), mBatch); status != 0)
    {
        throw std::runtime_error("llama_decode returned " + std::to_string(status) + ": " + errors.text());
    }
    for (std::size_t i = 0; i < indices.size(); ++i)
    {
        if (step[indices[i]].wantLogits)
        {
            mLogits[indices[i]] = llama_get_logits_ith(mContext.get(), static_cast<std::int32_t>(i));
        }
    }
}

float const* LlamaRunner::logits(std::size_t index) const
{
    return mLogits[index];
}

void LlamaRunner::truncate(Slot slot, SizeType32 length)
{
    llama_memory_seq_rm(llama_get_memory(mContext.get()), slot, length, -1);
}

void LlamaRunner::copyPrefix(Slot from, Slot to, SizeType32 length)
{
    auto* const memory = llama_get_memory(mContext.get());
    llama_memory_seq_rm(memory, to, -1, -1);
    llama_memory_seq_cp(memory, from, to, -1, -1); // between buffers only whole sequences can be copied
    llama_memory_seq_rm(memory, to, length, -1);
}

} // namespace tensorrt_llm::executor::embedded
