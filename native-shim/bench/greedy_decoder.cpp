#include "greedy_decoder.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace
{

llama_context_params contextParams(DecoderSettings const& settings)
{
    // llama.cpp pads each sequence's memory to 256 tokens, and warns where it was not asked for that.
    auto const paddedTokens = (settings.sequenceTokens + 255) / 256 * 256;
    auto params = llama_context_default_params();
    params.n_ctx = settings.sequences * paddedTokens;
    params.n_batch = settings.batch;
    params.n_ubatch = settings.ubatch;
    params.n_seq_max = settings.sequences;
    params.n_threads = static_cast<std::int32_t>(settings.threads);
    params.n_threads_batch = params.n_threads;
    params.flash_attn_type
        = settings.flashAttention ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.kv_unified = settings.unified;
    return params;
}

} // namespace

std::shared_ptr<llama_model> loadModel(std::string const& path)
{
    std::shared_ptr<llama_model> model(
        llama_model_load_from_file(path.c_str(), llama_model_default_params()), llama_model_free);
    if (!model)
    {
        throw std::runtime_error("llama.cpp cannot load " + path);
    }
    return model;
}

GreedyDecoder::GreedyDecoder(std::shared_ptr<llama_model> model, DecoderSettings const& settings)
    : mModel(std::move(model))
    , mContext(llama_init_from_model(mModel.get(), contextParams(settings)), llama_free)
    , mBatch(llama_batch_init(static_cast<std::int32_t>(settings.batch), 0, 1))
    , mBatchOwner(&mBatch, [](llama_batch* batch) { llama_batch_free(*batch); })
    , mBatchTokens(settings.batch)
{
    if (!mContext)
    {
        throw std::runtime_error("llama.cpp cannot make a context of these settings");
    }
    if (!settings.lora.empty())
    {
        auto* adapter = llama_adapter_lora_init(mModel.get(), settings.lora.c_str()); // freed with the model
        auto scale = 1.f;
        if (adapter == nullptr || llama_set_adapters_lora(mContext.get(), &adapter, 1, &scale) != 0)
        {
            throw std::runtime_error("llama.cpp cannot load " + settings.lora);
        }
    }
}

void GreedyDecoder::add(llama_token token, std::size_t position, std::size_t sequence, bool wantLogits)
{
    auto const i = mBatch.n_tokens++;
    mBatch.token[i] = token;
    mBatch.pos[i] = static_cast<llama_pos>(position);
    mBatch.n_seq_id[i] = 1;
    mBatch.seq_id[i][0] = static_cast<llama_seq_id>(sequence);
    mBatch.logits[i] = static_cast<std::int8_t>(wantLogits);
}

void GreedyDecoder::compute()
{
    auto const status = llama_decode(mContext.get(), mBatch);
    if (status != 0)
    {
        throw std::runtime_error("llama_decode failed with " + std::to_string(status));
    }
}

llama_token GreedyDecoder::mostLikely(std::int32_t batchIndex) const
{
    auto const* logits = llama_get_logits_ith(mContext.get(), batchIndex);
    auto const* end = logits + llama_vocab_n_tokens(llama_model_get_vocab(mModel.get()));
    return static_cast<llama_token>(std::max_element(logits, end) - logits);
}

struct GreedyDecoder::Sequence
{
    std::size_t computed = 0;       // tokens in memory or in the batch
    std::int32_t logitsIndex = -1;  // in the batch; -1: no logits in it
    llama_token next = -1;          // generated, to be computed
    bool ended = false;
};

Decoded GreedyDecoder::decode(std::vector<Tokens> const& prompts, std::size_t newTokens, bool stopAtEnd)
{
    using Clock = std::chrono::steady_clock;
    auto const* vocabulary = llama_model_get_vocab(mModel.get());
    llama_memory_clear(llama_get_memory(mContext.get()), false);

    std::vector<Sequence> sequences(prompts.size());
    Decoded decoded;
    decoded.tokens.resize(prompts.size());
    decoded.timings.firstToken.resize(prompts.size());
    auto const start = Clock::now();
    auto const elapsed = [start] { return std::chrono::duration<double>(Clock::now() - start).count(); };

    for (std::size_t running = prompts.size(), prefilling = prompts.size(); running > 0;)
    {
        mBatch.n_tokens = 0;
        for (std::size_t i = 0; i < prompts.size(); ++i)
        {
            auto& sequence = sequences[i];
            sequence.logitsIndex = -1;
            auto const& prompt = prompts[i];
            auto const room = mBatchTokens - static_cast<std::size_t>(mBatch.n_tokens);
            if (prefilling > 0)
            {
                auto const until = std::min(prompt.size(), sequence.computed + room);
                for (; sequence.computed < until; ++sequence.computed)
                {
                    bool const last = sequence.computed + 1 == prompt.size();
                    sequence.logitsIndex = last ? mBatch.n_tokens : -1;
                    add(prompt[sequence.computed], sequence.computed, i, last);
                }
            }
            else if (!sequence.ended)
            {
                sequence.logitsIndex = mBatch.n_tokens;
                add(sequence.next, sequence.computed++, i, true);
            }
        }
        compute();
        for (std::size_t i = 0; i < prompts.size(); ++i)
        {
            auto& sequence = sequences[i];
            if (sequence.logitsIndex < 0)
            {
                continue;
            }
            sequence.next = mostLikely(sequence.logitsIndex);
            auto& tokens = decoded.tokens[i];
            if (sequence.computed == prompts[i].size())
            {
                decoded.timings.firstToken[i] = elapsed();
                if (--prefilling == 0)
                {
                    decoded.timings.prefill = elapsed();
                }
            }
            sequence.ended = stopAtEnd && llama_vocab_is_eog(vocabulary, sequence.next);
            if (!sequence.ended)
            {
                tokens.push_back(sequence.next);
                sequence.ended = tokens.size() == newTokens;
            }
            running -= sequence.ended ? 1 : 0;
        }
    }
    decoded.timings.total = elapsed();
    return decoded;
}
