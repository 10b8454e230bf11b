#include "check.h"
#include "client.h"
#include "log_probs.h"

#include <cmath>
#include <random>

namespace
{

using namespace trtllm_shim;
namespace tle = tensorrt_llm::executor;

constexpr std::int32_t kVocabulary = 150;
constexpr std::int32_t kPadded = 192; // what lies beyond the vocabulary must not count

tle::Tensor randomLogits(std::vector<std::int64_t> const& shape)
{
    auto tensor = tle::Tensor::cpu(tle::DataType::kFP32, {shape.data(), shape.size()});
    std::mt19937 random(3);
    std::normal_distribution<float> logit(0.f, 4.f);
    auto* const values = static_cast<float*>(tensor.getData());
    for (std::size_t i = 0; i < tensor.getSize(); ++i)
    {
        values[i] = i % kPadded < kVocabulary ? logit(random) : 1000.f;
    }
    return tensor;
}

double logProb(tle::Tensor const& logits, std::size_t row, std::int32_t token)
{
    auto const* const values = static_cast<float const*>(logits.getData()) + row * kPadded;
    double sum = 0;
    for (std::int32_t id = 0; id < kVocabulary; ++id)
    {
        sum += std::exp(static_cast<double>(values[id]));
    }
    return values[token] - std::log(sum);
}

void checkRow(LogProbs const& actual, std::size_t index, tle::Tensor const& logits, std::size_t row, std::int32_t token)
{
    CHECK(std::abs(actual.chosen[index] - logProb(logits, row, token)) < 1e-5);
    auto const alternatives = static_cast<std::size_t>(actual.alternatives);
    std::vector<bool> seen(kVocabulary);
    for (std::size_t i = 0; i < alternatives; ++i)
    {
        auto const id = actual.ids[index * alternatives + i];
        seen[static_cast<std::size_t>(id)] = true;
        CHECK(std::abs(actual.values[index * alternatives + i] - logProb(logits, row, id)) < 1e-5);
        CHECK(i == 0 || actual.values[index * alternatives + i - 1] >= actual.values[index * alternatives + i]);
    }
    auto const worst = actual.values[(index + 1) * alternatives - 1];
    for (std::int32_t id = 0; id < kVocabulary; ++id)
    {
        CHECK(seen[static_cast<std::size_t>(id)] || logProb(logits, row, id) <= worst + 1e-5);
    }
}

} // namespace

TEST("chosen tokens and alternatives are those of softmax over the vocabulary without its padding")
{
    tle::Result result{};
    result.outputTokenIds = {{7, 149, 0}};
    result.generationLogits = randomLogits({3, 1, kPadded});
    LogProbOptions options;
    options.chosen = true;
    options.alternatives = 5;
    options.vocabularySize = kVocabulary;
    auto const logProbs = generationLogProbs(result, options);
    CHECK_EQ(logProbs.chosen.size(), 3);
    for (std::size_t i = 0; i < 3; ++i)
    {
        checkRow(logProbs, i, *result.generationLogits, i, result.outputTokenIds.front()[i]);
    }
}

TEST("a prompt's token is scored by the logits of the one before it")
{
    tle::Result result{};
    result.contextLogits = randomLogits({4, kPadded});
    LogProbOptions options;
    options.prompt = true;
    options.alternatives = 20;
    options.vocabularySize = kVocabulary;
    options.promptTokens = std::make_shared<std::vector<std::int32_t> const>(std::vector<std::int32_t>{9, 8, 149, 3});
    auto const logProbs = promptLogProbs(result, options);
    CHECK_EQ(logProbs.chosen.size(), 4);
    CHECK(std::isnan(logProbs.chosen[0]));
    CHECK_EQ(logProbs.ids[0], -1);
    for (std::size_t i = 1; i < 4; ++i)
    {
        checkRow(logProbs, i, *result.contextLogits, i - 1, (*options.promptTokens)[i]);
    }
    result.contextLogits.reset();
    CHECK(promptLogProbs(result, options).chosen.empty());
}

TEST("logits that cannot be read are refused, missing ones give no log-probabilities")
{
    tle::Result result{};
    result.outputTokenIds = {{1}};
    LogProbOptions options;
    options.chosen = true;
    options.alternatives = 2;
    options.vocabularySize = kVocabulary;
    CHECK(generationLogProbs(result, options).chosen.empty());
    result.generationLogits = tle::Tensor::cpu<std::int32_t>({1, 1, kPadded});
    CHECK_THROWS(generationLogProbs(result, options));
    result.generationLogits = tle::Tensor::cpu<float>({1, 1, kVocabulary - 1});
    CHECK_THROWS(generationLogProbs(result, options));
}

TEST("logits of a negative shape, as a cancelled request has them, are not read")
{
    tle::Result result{};
    result.outputTokenIds = {{1}};
    LogProbOptions options;
    options.chosen = options.prompt = true;
    options.alternatives = 2;
    options.vocabularySize = kVocabulary;
    options.promptTokens = std::make_shared<std::vector<std::int32_t> const>(2, 5);
    float nothing = 0;
    std::vector<std::vector<std::int64_t>> const shapes{{-4, 1, kPadded}, {1, -1, kPadded}, {-1, -1, -kPadded}};
    for (auto const& shape : shapes)
    {
        result.generationLogits = tle::Tensor::of(tle::DataType::kFP32, &nothing, {shape.data(), shape.size()});
        result.contextLogits = result.generationLogits;
        CHECK(generationLogProbs(result, options).values.empty());
        CHECK(promptLogProbs(result, options).values.empty());
    }
}

TEST("alternatives come before their tokens, and a prompt's log-probabilities before all")
{
    Client client(R"({"tokensPerResponse": 2})");
    auto const id = client.ready().submit(
        {5, 6, 7}, R"({"maxTokens": 3, "logProbs": true, "topLogProbs": 2, "promptLogProbs": true})");
    std::vector<std::int32_t> tokens;
    std::vector<std::int32_t> alternatives;
    std::vector<float> chosen;
    std::vector<std::uint16_t> kinds;
    for (;;)
    {
        auto const record = client.next();
        CHECK_EQ(record.header.request_id, id);
        kinds.push_back(record.header.kind);
        if (record.header.kind == TRTLLM_RECORD_FINAL)
        {
            break;
        }
        if (record.header.kind == TRTLLM_RECORD_TOP_LOG_PROBS && record.header.flags == TRTLLM_RECORD_FLAG_PROMPT)
        {
            CHECK(record.topIds == std::vector<std::int32_t>({-1, -1, 6, 7, 7, 8}));
        }
        else if (record.header.kind == TRTLLM_RECORD_TOP_LOG_PROBS)
        {
            alternatives.insert(alternatives.end(), record.topIds.begin(), record.topIds.end());
        }
        else if (record.header.kind == TRTLLM_RECORD_TOKENS)
        {
            tokens.insert(tokens.end(), record.tokens.begin(), record.tokens.end());
            chosen.insert(chosen.end(), record.logProbs.begin(), record.logProbs.end());
            CHECK(alternatives.size() >= 2 * tokens.size());
        }
    }
    CHECK_EQ(kinds.front(), TRTLLM_RECORD_PROMPT_LOG_PROBS);
    CHECK(tokens == std::vector<std::int32_t>({6, 7, 8}));
    CHECK(alternatives == std::vector<std::int32_t>({6, 7, 7, 8, 8, 9}));
    auto const expected = 2 - std::log(std::exp(2.0) + std::exp(1.0) + 998);
    CHECK(chosen.size() == 3 && std::abs(chosen[0] - expected) < 1e-5);
}
