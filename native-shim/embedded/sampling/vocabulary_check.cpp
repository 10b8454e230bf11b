#include "sampling/vocabulary_check.h"

namespace tensorrt_llm::executor::embedded
{

std::string outsideVocabulary(Request const& request, SizeType32 vocabularySize)
{
    auto const outside = [&](TokenIdType id) { return id < 0 || id >= vocabularySize; };
    auto const refuse = [&](char const* what, TokenIdType id)
    {
        return std::string(what) + " " + std::to_string(id) + " is outside the vocabulary of "
            + std::to_string(vocabularySize) + " tokens";
    };
    for (auto const id : request.getInputTokenIds())
    {
        if (outside(id))
        {
            return refuse("token", id);
        }
    }
    if (auto const endId = request.getEndId(); endId && *endId != -1 && outside(*endId)) // -1: none
    {
        return refuse("endId", *endId);
    }
    for (auto const& word : request.getBadWords().value_or(std::list<VecTokens>{}))
    {
        for (auto const id : word)
        {
            if (outside(id))
            {
                return refuse("bad word token", id);
            }
        }
    }
    if (auto const bias = request.getEmbeddingBias();
        bias && bias->getSize() != static_cast<std::size_t>(vocabularySize))
    {
        return "the embedding bias has " + std::to_string(bias->getSize()) + " entries; the vocabulary has "
            + std::to_string(vocabularySize);
    }
    return {};
}

} // namespace tensorrt_llm::executor::embedded
