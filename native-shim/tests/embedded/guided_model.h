// A vocabulary for hash_model's 64 tokens with which JSON, numbers and words can be written.
#pragma once

#include "hash_model.h"

#include <string>
#include <vector>

namespace guided_model
{

using namespace tensorrt_llm::executor;

constexpr TokenIdType kEnd = 63;

inline std::vector<std::string> const kTexts = []
{
    // Two bytes that are a character only together, tokens across JSON's structure, and a control token at the end.
    std::vector<std::string> texts{"{", "}", "[", "]", "\"", ":", ",", " ", "\n", "\t", "-", ".", "+", "e", "E", "\\",
        "true", "false", "null", "\",\"", "\":\"", "\"}", "],[", "{}", "\xc3", "\xa9", "_", "@", "/", "(", ")", "*"};
    for (char digit = '0'; digit <= '9'; ++digit)
    {
        texts.emplace_back(1, digit);
    }
    for (auto const* word : {"a", "b", "c", "d", "f", "g", "l", "m", "n", "o", "r", "s", "t", "u", "x", "y", "z", "A",
             "id", "T", "Z"})
    {
        texts.emplace_back(word);
    }
    texts.resize(hash_model::kVocabularySize);
    return texts;
}();

inline std::string text(VecTokens const& tokens)
{
    std::string result;
    for (auto const token : tokens)
    {
        result += kTexts.at(static_cast<std::size_t>(token));
    }
    return result;
}

inline GuidedDecodingConfig guidedDecodingConfig()
{
    return GuidedDecodingConfig(GuidedDecodingConfig::GuidedDecodingBackend::kXGRAMMAR, kTexts, std::nullopt,
        std::vector<TokenIdType>{kEnd});
}

inline ExecutorConfig executorConfig(SizeType32 maxBatchSize)
{
    ExecutorConfig config;
    config.setMaxBatchSize(maxBatchSize);
    config.setMaxNumTokens(64);
    config.setGuidedDecodingConfig(guidedDecodingConfig());
    return config;
}

/// Almost every allowed token is as likely as the next.
inline Request request(
    GuidedDecodingParams const& guide, RandomSeedType seed, SizeType32 maxTokens, float temperature = 1.5f)
{
    SamplingConfig sampling;
    sampling.setTemperature(temperature);
    sampling.setTopP(1.0f);
    sampling.setSeed(seed);
    Request result({1, 2, static_cast<TokenIdType>(seed % 60)}, maxTokens, true, sampling);
    result.setEndId(kEnd);
    result.setGuidedDecodingParams(guide);
    return result;
}

} // namespace guided_model
