#include "llama_vocabulary.h"

#include <limits>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

namespace
{

std::optional<std::int32_t> knownId(llama_token token)
{
    return token == LLAMA_TOKEN_NULL ? std::nullopt : std::optional<std::int32_t>(token);
}

} // namespace

LlamaVocabulary::LlamaVocabulary(LlamaModelPtr model)
    : mModel(std::move(model))
    , mVocabulary(llama_model_get_vocab(mModel.get()))
{
}

std::optional<std::int32_t> LlamaVocabulary::bosId() const
{
    return knownId(llama_vocab_bos(mVocabulary));
}

std::optional<std::int32_t> LlamaVocabulary::eosId() const
{
    return knownId(llama_vocab_eos(mVocabulary));
}

std::vector<std::int32_t> LlamaVocabulary::endIds() const
{
    std::vector<std::int32_t> ids;
    for (llama_token token = 0; token < llama_vocab_n_tokens(mVocabulary); ++token)
    {
        if (llama_vocab_is_eog(mVocabulary, token))
        {
            ids.push_back(token);
        }
    }
    return ids;
}

bool LlamaVocabulary::addBos() const
{
    return llama_vocab_get_add_bos(mVocabulary);
}

std::optional<std::string> LlamaVocabulary::chatTemplate() const
{
    auto const* const source = llama_model_chat_template(mModel.get(), nullptr);
    return source == nullptr ? std::nullopt : std::optional<std::string>(source);
}

std::vector<trtllm_shim::TokenPiece> LlamaVocabulary::pieces() const
{
    auto const count = llama_vocab_n_tokens(mVocabulary);
    std::vector<trtllm_shim::TokenPiece> pieces(count);
    for (llama_token token = 0; token < count; ++token)
    {
        auto& piece = pieces[token];
        piece.control = (llama_vocab_get_attr(mVocabulary, token) & LLAMA_TOKEN_ATTR_CONTROL) != 0;
        piece.bytes.resize(32);
        auto length = llama_token_to_piece(mVocabulary, token, piece.bytes.data(), piece.bytes.size(), 0, true);
        if (length < 0)
        {
            piece.bytes.resize(-length);
            length = llama_token_to_piece(mVocabulary, token, piece.bytes.data(), piece.bytes.size(), 0, true);
        }
        piece.bytes.resize(length);
    }
    return pieces;
}

std::vector<std::int32_t> LlamaVocabulary::tokenize(std::string_view text, bool addSpecial, bool parseSpecial) const
{
    if (text.size() > std::numeric_limits<std::int32_t>::max())
    {
        throw trtllm_shim::StatusError(TRTLLM_ERR_INVALID_ARGUMENT,
            "the text has " + std::to_string(text.size()) + " bytes; the tokenizer takes less than 2 GiB");
    }
    // A token is a byte at least; BOS and EOS may come on top.
    std::vector<std::int32_t> tokens(text.size() + 2);
    auto const count = llama_tokenize(mVocabulary, text.data(), static_cast<std::int32_t>(text.size()), tokens.data(),
        static_cast<std::int32_t>(tokens.size()), addSpecial, parseSpecial);
    if (count < 0)
    {
        throw trtllm_shim::StatusError(TRTLLM_ERR_EXECUTOR, "llama.cpp's tokenizer failed on this text");
    }
    tokens.resize(count);
    return tokens;
}

} // namespace tensorrt_llm::executor::embedded
