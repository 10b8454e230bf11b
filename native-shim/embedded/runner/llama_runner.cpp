#include "runner/llama_runner.h"

#include "load_error.h"
#include "runner/llama_library.h"
#include "runner/llama_lora.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

namespace
{

/// Tokens that llama.cpp computes at once; a step is cut into pieces of this size. Larger ones take more memory.
constexpr SizeType32 kMicroBatchOnCpu = 512;
constexpr SizeType32 kMicroBatchOnGpu = 2048;

/// Idle slots between two sequences up to which it costs less to compute a token for each of them too. On a CPU a call
/// was measured to take the time of three to four more tokens; on a GPU it takes that of any number.
constexpr SizeType32 kWidestGapOnCpu = 3;

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
    parameters.n_ubatch = std::min(limits.maxNumTokens, computeDevice().isGpu ? kMicroBatchOnGpu : kMicroBatchOnCpu);
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

LlamaThreadPool sharedThreadPool(Limits const& limits, SizeType32 threads)
{
    auto const* const other = dynamic_cast<LlamaRunner const*>(limits.takesTurnsWith);
    return other == nullptr ? createLlamaThreadPool(threads) : other->threadPool();
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

/// Not freed while llama.cpp's context uses it.
class LlamaRunner::Lora : public LoraAdapter
{
public:
    Lora(LlamaRunner& runner, LlamaAdapterPtr adapter)
        : mRunner(runner)
        , mAdapter(std::move(adapter))
    {
    }

    ~Lora() override
    {
        if (mRunner.mLora == this)
        {
            mRunner.use(nullptr);
        }
    }

    [[nodiscard]] llama_adapter_lora* get() const
    {
        return mAdapter.get();
    }

private:
    LlamaRunner& mRunner;
    LlamaAdapterPtr mAdapter;
};

LlamaRunner::LlamaRunner(LlamaModelPtr model, Limits const& limits, LoraShapes loraShapes, SizeType32 threads)
    : mModel(std::move(model))
    , mThreads(sharedThreadPool(limits, threads))
    , mContext(createContext(mModel.get(), limits, threads), llama_free)
    , mSlots(limits.maxBatchSize, limits.tokensPerBlock, *this)
    , mVocabularySize(llama_vocab_n_tokens(llama_model_get_vocab(mModel.get())))
    , mMaxPositions(limits.maxSequenceTokens)
    , mOnGpu(computeDevice().isGpu)
    , mLoraShapes(std::move(loraShapes))
    , mMaxLoraRank(limits.maxLoraRank)
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
    TokenIdType const token = 0;
    addToBatch({0, {}, &token, 1, 0, 0}, 0);
    decode();
    llama_memory_clear(llama_get_memory(mContext.get()), true);
}

LlamaThreadPool const& LlamaRunner::threadPool() const
{
    return mThreads;
}

SizeType32 LlamaRunner::maxSequences() const
{
    return mSlots.size();
}

SizeType32 LlamaRunner::vocabularySize() const
{
    return mVocabularySize;
}

std::unique_ptr<LoraAdapter> LlamaRunner::loadLora(LoraConfig const& config)
{
    return std::make_unique<Lora>(
        *this, createLlamaAdapter(mModel.get(), loraWeights(config, mLoraShapes, mMaxLoraRank)));
}

/// From the next call on; null: none.
void LlamaRunner::use(Lora const* lora)
{
    if (lora == mLora)
    {
        return;
    }
    auto* adapter = lora == nullptr ? nullptr : lora->get();
    auto scale = 1.f;
    llama_set_adapters_lora(mContext.get(), &adapter, adapter == nullptr ? 0 : 1, &scale);
    mLora = lora;
}

void LlamaRunner::begin(SequenceStart const& start)
{
    mSlots.begin(start);
}

void LlamaRunner::end(SequenceId sequence)
{
    mSlots.end(sequence);
}

void LlamaRunner::truncate(SequenceId sequence, BlockTable const& blocks, SizeType32 length)
{
    mSlots.truncate(sequence, blocks, length);
}

void LlamaRunner::moveBlock(BlockId from, BlockId to)
{
    mSlots.renameBlock(from, to);
}

void LlamaRunner::mergeBlock(BlockId duplicate, BlockId kept)
{
    mSlots.renameBlock(duplicate, kept);
}

void LlamaRunner::dropBlock(BlockId block)
{
    mSlots.dropBlock(block);
}

void LlamaRunner::forward(std::vector<SequenceStep> const& step, PartsComputed const& computed)
{
    // By adapter, that in use first: for another llama.cpp plans its memory anew.
    std::vector<std::pair<Lora const*, std::vector<std::size_t>>> groups{{mLora, {}}};
    for (std::size_t index = 0; index < step.size(); ++index)
    {
        auto const* lora = static_cast<Lora const*>(mSlots.loraOf(step[index].sequence));
        auto group = std::find_if(groups.begin(), groups.end(), [&](auto const& each) { return each.first == lora; });
        group = group == groups.end() ? groups.insert(group, {lora, {}}) : group;
        group->second.push_back(index);
    }
    for (auto const& [lora, indices] : groups)
    {
        if (!indices.empty())
        {
            use(lora);
            forward(step, indices, computed);
        }
    }
}

/// Parts of a step with one adapter.
void LlamaRunner::forward(
    std::vector<SequenceStep> const& step, std::vector<std::size_t> const& indices, PartsComputed const& computed)
{
    std::map<SizeType32, std::vector<std::size_t>> together; // by length, whatever it is on a GPU
    for (auto const index : indices)
    {
        if (step[index].wantedLogits == step[index].count || mOnGpu)
        {
            together[mOnGpu ? 0 : step[index].count].push_back(index);
        }
        else
        {
            compute(step, {index}, computed);
        }
    }
    for (auto& [length, equallyLong] : together)
    {
        compute(step, std::move(equallyLong), computed);
    }
}

/// Parts of a step in one call of llama.cpp.
void LlamaRunner::compute(
    std::vector<SequenceStep> const& step, std::vector<std::size_t> indices, PartsComputed const& computed)
{
    auto const slotOf = [&](std::size_t index) { return mSlots.slotOf(step[index].sequence); };
    std::sort(indices.begin(), indices.end(), [&](auto a, auto b) { return slotOf(a) < slotOf(b); });
    auto const tokens = std::accumulate(indices.begin(), indices.end(), SizeType32{0},
        [&](auto sum, auto index) { return sum + step[index].count; });
    // Drafts have several tokens each: as many again for every gap would cost more than a call.
    bool const bridges = mOnGpu || tokens == static_cast<SizeType32>(indices.size());
    auto const room = bridges ? static_cast<SizeType32>(llama_n_batch(mContext.get())) - tokens : 0;
    std::vector<SizeType32> ends; // in the batch
    std::optional<Slot> last;
    for (auto const index : indices)
    {
        auto const slot = slotOf(index);
        if (last)
        {
            bridge(*last, slot, room - static_cast<SizeType32>(mBridges.size()));
        }
        last = slot;
        addToBatch(step[index], slot);
        ends.push_back(mBatch.n_tokens);
    }
    decode();
    mComputed.clear();
    auto end = ends.begin();
    for (auto const index : indices)
    {
        auto const& part = step[index];
        mSlots.advance(part.sequence, part.blocks, part.position + part.count);
        mComputed.push_back({index,
            part.wantedLogits == 0 ? nullptr : llama_get_logits_ith(mContext.get(), *end - part.wantedLogits)});
        ++end;
    }
    computed(mComputed);
}

/// Lets what is added next be computed together with what is in the batch: the slots between get a token, which is
/// taken back afterwards.
void LlamaRunner::bridge(Slot from, Slot to, SizeType32 room)
{
    auto* const memory = llama_get_memory(mContext.get());
    auto const width = to - from - 1;
    if (width > (mOnGpu ? room : std::min(room, kWidestGapOnCpu)))
    {
        return;
    }
    std::vector<SizeType32> positions;
    for (auto slot = from + 1; slot < to; ++slot)
    {
        positions.push_back(llama_memory_seq_pos_max(memory, slot) + 1);
        if (positions.back() >= mMaxPositions)
        {
            return;
        }
    }
    TokenIdType const token = 0;
    for (auto slot = from + 1; slot < to; ++slot)
    {
        auto const position = positions[static_cast<std::size_t>(slot - from - 1)];
        addToBatch({0, {}, &token, 1, position, 0}, slot);
        mBridges.push_back({slot, position});
    }
}

void LlamaRunner::addToBatch(SequenceStep const& part, Slot slot)
{
    for (SizeType32 i = 0; i < part.count; ++i)
    {
        auto const at = mBatch.n_tokens++;
        mBatch.token[at] = part.tokens[i];
        mBatch.pos[at] = part.position + i;
        mBatch.n_seq_id[at] = 1;
        mBatch.seq_id[at][0] = slot;
        mBatch.logits[at] = i >= part.count - part.wantedLogits;
    }
}

/// What is in the batch, which is empty afterwards.
void LlamaRunner::decode()
{
    LlamaErrors const errors;
    auto const status = llama_decode(mContext.get(), mBatch);
    mBatch.n_tokens = 0;
    for (auto const& [slot, position] : mBridges)
    {
        truncate(slot, position);
    }
    mBridges.clear();
    if (status != 0)
    {
        throw std::runtime_error("llama_decode returned " + std::to_string(status) + ": " + errors.text());
    }
}

SavedSlot LlamaRunner::save(Slot slot)
{
    SavedSlot saved(llama_state_seq_get_size(mContext.get(), slot));
    if (llama_state_seq_get_data(mContext.get(), saved.data(), saved.size(), slot) != saved.size())
    {
        throw std::runtime_error("llama.cpp could not save the KV of a sequence");
    }
    return saved;
}

void LlamaRunner::load(Slot slot, SavedSlot const& saved)
{
    LlamaErrors const errors;
    if (llama_state_seq_set_data(mContext.get(), saved.data(), saved.size(), slot) == 0)
    {
        throw std::runtime_error("llama.cpp could not load the KV of a sequence: " + errors.text());
    }
}

void LlamaRunner::truncate(Slot slot, SizeType32 length)
{
    llama_memory_seq_rm(llama_get_memory(mContext.get()), slot, length, -1);
}

} // namespace tensorrt_llm::executor::embedded
