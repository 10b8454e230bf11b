#pragma once

#include "backend.h"
#include "runner/llama_model.h"

namespace tensorrt_llm::executor::embedded
{

/// The tokenizer stored in a GGUF.
class LlamaVocabulary : public trtllm_shim::Vocabulary
{
public:
    explicit LlamaVocabulary(LlamaModelPtr model);

    [[nodiscard]] std::optional<std::int32_t> bosId() const override;
    [[nodiscard]] std::optional<std::int32_t> eosId() const override;
    [[nodiscard]] std::vector<std::int32_t> endIds() const override;
    [[nodiscard]] bool addBos() const override;
    [[nodiscard]] std::optional<std::string> chatTemplate() const override;
    [[nodiscard]] std::vector<trtllm_shim::TokenPiece> pieces() const override;
    [[nodiscard]] std::vector<std::int32_t> tokenize(
        std::string_view text, bool addSpecial, bool parseSpecial) const override;

private:
    LlamaModelPtr mModel;
    llama_vocab const* mVocabulary;
};

} // namespace tensorrt_llm::executor::embedded
