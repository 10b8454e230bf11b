#pragma once

#include "prompts.h"

#include <cstdint>
#include <memory>
#include <string>

struct DecoderSettings
{
    std::string model;
    std::uint32_t threads;
    std::uint32_t batch;  // most tokens given to llama.cpp at once
    std::uint32_t ubatch; // most tokens that llama.cpp computes at once
    std::uint32_t sequences;
    std::uint32_t sequenceTokens; // prompt and answer
    bool unified;                 // one KV buffer for all sequences
    bool flashAttention;
    std::string lora;             // file of an adapter; empty: none
};

/// Seconds since the start.
struct DecodeTimings
{
    double prefill = 0; // until every prompt is in
    double total = 0;
    std::vector<double> firstToken; // per request
};

struct Decoded
{
    DecodeTimings timings;
    std::vector<Tokens> tokens; // per request
};

/// The obvious loop over llama.cpp's C API: all prompts, then one token of every sequence per step.
class GreedyDecoder
{
public:
    GreedyDecoder(std::shared_ptr<llama_model> model, DecoderSettings const& settings);

    /// Starts from empty memory. A sequence ends after `newTokens` tokens or, where `stopAtEnd`, before an
    /// end-of-generation token.
    Decoded decode(std::vector<Tokens> const& prompts, std::size_t newTokens, bool stopAtEnd);

private:
    struct Sequence;

    void add(llama_token token, std::size_t position, std::size_t sequence, bool wantLogits);
    void compute();
    llama_token mostLikely(std::int32_t batchIndex) const;

    std::shared_ptr<llama_model> mModel;
    std::unique_ptr<llama_context, void (*)(llama_context*)> mContext;
    llama_batch mBatch;
    std::unique_ptr<llama_batch, void (*)(llama_batch*)> mBatchOwner;
    std::size_t mBatchTokens;
};

std::shared_ptr<llama_model> loadModel(std::string const& path);
