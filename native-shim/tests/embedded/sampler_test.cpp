#include "check.h"
#include "sampling/sampler.h"
#include "sampling_request.h"

#include <algorithm>

namespace
{

using namespace sampling_request;
using embedded::Sampler;
using embedded::TokenMask;

std::vector<float> const kLogits{0.f, 2.f, 1.f, -1.f, 0.5f};

VecTokens drawMany(
    Request const& request, int draws, std::vector<float> const& logits = kLogits, TokenMask const* mask = nullptr)
{
    Sampler sampler(request);
    VecTokens tokens;
    for (int i = 0; i < draws; ++i)
    {
        tokens.push_back(sampler.sample(logits.data(), static_cast<SizeType32>(logits.size()), mask));
    }
    return tokens;
}

/// kLogits' probabilities over the allowed tokens.
std::vector<double> among(std::vector<bool> const& allowed)
{
    auto logits = kLogits;
    for (std::size_t id = 0; id < logits.size(); ++id)
    {
        logits[id] = allowed[id] ? logits[id] : -INFINITY;
    }
    return softmax(logits);
}

} // namespace

TEST("without top-k and top-p the most likely token is taken, whatever the temperature")
{
    CHECK(drawMany(sampling([](auto& c) { c.setTemperature(3.f); }), 50) == VecTokens(50, 1));
}

TEST("temperature 0 is greedy even with top-p")
{
    auto const request = sampling(
        [](auto& c)
        {
            c.setTemperature(0.f);
            c.setTopP(0.9f);
        });
    CHECK(drawMany(request, 50) == VecTokens(50, 1));
}

TEST("greedy takes the lowest of equally likely tokens, wherever they lie")
{
    for (std::size_t first = 0; first < 300; first += 7)
    {
        std::vector<float> logits(300, -1.f);
        logits[first] = logits[299] = 4.f;
        CHECK_EQ(drawMany(sampling(), 1, logits).front(), static_cast<TokenIdType>(first));
    }
}

TEST("top-p 1 draws from the whole distribution, at any temperature")
{
    auto const logits = randomLogits(200, 1);
    for (auto const temperature : {0.3f, 1.f, 2.5f, 20.f})
    {
        auto const request = sampling(
            [&](auto& c)
            {
                c.setTopP(1.f);
                c.setTemperature(temperature);
            });
        CHECK(fits(drawMany(request, 10000, logits), softmax(logits, temperature)));
    }
}

TEST("top-k keeps the k most likely tokens")
{
    auto const draws = drawMany(sampling([](auto& c) { c.setTopK(3); }), 10000);
    CHECK(fits(draws, among({false, true, true, false, true})));
}

TEST("top-p walks down the likely tokens to a random share of p, as TensorRT-LLM's kernels do")
{
    // 0.55 and 0.20 pass 0.7: of the second only what lies within 0.7 counts.
    auto const p = softmax(kLogits);
    auto const draws = drawMany(sampling([](auto& c) { c.setTopP(0.7f); }), 10000);
    CHECK(fits(draws, {0, p[1] / 0.7, (0.7 - p[1]) / 0.7, 0, 0}));
}

TEST("min-p drops tokens less likely than its share of the best")
{
    // Shares of the best: e^-2 = 0.14, 1, e^-1 = 0.37, e^-3 = 0.05, e^-1.5 = 0.22.
    auto const request = sampling(
        [](auto& c)
        {
            c.setTopP(1.f);
            c.setMinP(0.3f);
        });
    CHECK(fits(drawMany(request, 10000), among({false, true, true, false, false})));
}

TEST("the same seed draws the same tokens, another seed and another sequence do not")
{
    auto const with = [](RandomSeedType seed)
    {
        return sampling(
            [seed](auto& c)
            {
                c.setTopP(1.f);
                c.setSeed(seed);
            });
    };
    CHECK(drawMany(with(7), 100) == drawMany(with(7), 100));
    CHECK(drawMany(with(7), 100) != drawMany(with(8), 100));
    Sampler second(with(7), 1);
    CHECK_EQ(second.sample(kLogits.data(), 5), drawMany(with(8), 1).front());
}

TEST("top-p decays to its minimum with every token and starts again after the reset token")
{
    // Tokens 0 and 1 have 0.6 and 0.4. With topP 1 both come, below 0.6 only token 0, the reset token never.
    std::vector<float> const logits{std::log(0.6f), std::log(0.4f)};
    auto const request = [](TokenIdType reset)
    {
        return sampling(
            [reset](auto& c)
            {
                c.setTopP(1.f);
                c.setTopPDecay(0.5f);
                c.setTopPMin(0.2f);
                c.setTopPResetIds(reset);
            });
    };
    auto const decayed = drawMany(request(5), 200, logits);
    CHECK(VecTokens(decayed.begin() + 1, decayed.end()) == VecTokens(199, 0));
    auto const reset = drawMany(request(0), 2000, logits);
    CHECK(std::count(reset.begin(), reset.end(), 1) > 500);
    for (std::size_t i = 1; i < reset.size(); ++i)
    {
        CHECK(reset[i - 1] == 0 || reset[i] == 0); // after a 1 topP is 0.5
    }
}

TEST("a repetition penalty divides positive and multiplies negative logits of tokens seen before")
{
    auto const request = sampling([](auto& c) { c.setRepetitionPenalty(3.f); }, {1});
    CHECK(drawMany(request, 2) == VecTokens({2, 1})); // 2 / 3 is below token 2's 1, then 1 / 3 below 2 / 3
}

TEST("presence counts a token once and frequency each time it occurred")
{
    CHECK(drawMany(sampling([](auto& c) { c.setPresencePenalty(1.5f); }, {1, 1, 1}), 1) == VecTokens({2}));
    auto const frequency = sampling([](auto& c) { c.setFrequencyPenalty(0.4f); }, {1, 1});
    CHECK(drawMany(frequency, 2) == VecTokens({1, 2})); // 2 - 0.8 = 1.2 against 1, then 2 - 1.2 = 0.8
}

TEST("promptIgnoreLength hides the prompt from presence and frequency, not from repetition")
{
    auto const presence = [](SizeType32 ignored)
    {
        return sampling(
            [ignored](auto& c)
            {
                c.setPresencePenalty(1.5f);
                c.setPromptIgnoreLength(ignored);
            },
            {3, 1});
    };
    CHECK(drawMany(presence(1), 1) == VecTokens({2}));
    CHECK(drawMany(presence(2), 2) == VecTokens({1, 2}));
    CHECK(drawMany(presence(1000), 2) == VecTokens({1, 2}));
    auto const repetition = sampling(
        [](auto& c)
        {
            c.setRepetitionPenalty(3.f);
            c.setPromptIgnoreLength(1);
        },
        {1});
    CHECK(drawMany(repetition, 1) == VecTokens({2}));
}

TEST("an embedding bias is added before temperature and penalties")
{
    auto request = sampling(
        [](auto& c)
        {
            c.setTopP(1.f);
            c.setTemperature(2.f);
            c.setPresencePenalty(1.f);
        },
        {2});
    auto bias = Tensor::cpu<float>({5});
    auto* values = static_cast<float*>(bias.getData());
    values[0] = 3.f;
    values[1] = -100.f;
    request.setEmbeddingBias(bias);
    // A sampler of its own for each draw: what was drawn before is penalized too.
    VecTokens draws;
    for (RandomSeedType seed = 0; seed < 10000; ++seed)
    {
        auto config = request.getSamplingConfig();
        config.setSeed(seed);
        request.setSamplingConfig(config);
        draws.push_back(drawMany(request, 1).front());
    }
    CHECK(fits(draws, softmax({3.f / 2, -98.f / 2, 1.f / 2 - 1, -1.f / 2, 0.5f / 2})));
}

TEST("minTokens holds the end token back until then")
{
    auto request = sampling([](auto& c) { c.setMinTokens(2); });
    request.setEndId(1);
    CHECK(drawMany(request, 3) == VecTokens({2, 2, 1}));
}

TEST("log-probabilities are those of softmax over the logits")
{
    auto const logits = randomLogits(49152, 3, 5.f);
    auto const expected = softmax(logits);
    for (std::size_t id = 0; id < logits.size(); id += 97)
    {
        auto const actual = embedded::logProbability(logits.data(), 49152, static_cast<TokenIdType>(id));
        CHECK(std::abs(actual - std::log(expected[id])) < 2e-6 * std::abs(actual) + 1e-6);
    }
}

TEST("a mask leaves only the tokens it allows, to greedy and to random sampling alike")
{
    TokenMask const mask{0b10101u};
    CHECK(drawMany(sampling(), 1, kLogits, &mask) == VecTokens({2}));
    auto const draws = drawMany(sampling([](auto& c) { c.setTopP(1.f); }), 10000, kLogits, &mask);
    CHECK(fits(draws, among({true, false, true, false, true})));

    auto const logits = randomLogits(100, 5);
    TokenMask const late{0, 0, 0, 0b1000u};
    CHECK(drawMany(sampling(), 1, logits, &late) == VecTokens({99}));
}

TEST("bans do not take the only token that a mask allows")
{
    TokenMask const onlyEnd{0b1000u};
    auto request = sampling(
        [](auto& c)
        {
            c.setMinTokens(5);
            c.setNoRepeatNgramSize(1);
        });
    request.setEndId(3);
    CHECK(drawMany(request, 3, kLogits, &onlyEnd) == VecTokens({3, 3, 3}));
    // 0 is in the prompt and 3 waits for five tokens: twice nothing is left, and at the end again.
    CHECK(drawMany(request, 7) == VecTokens({1, 2, 4, 1, 1, 3, 1}));
}

TEST("logits that are no numbers give some token and no crash")
{
    for (auto const bad : {std::nanf(""), INFINITY, -INFINITY})
    {
        std::vector<float> const logits(130, bad);
        for (auto const& request : {sampling(), sampling([](auto& c) { c.setTopP(0.9f); }),
                 sampling([](auto& c) { c.setTopK(5); })})
        {
            auto const token = drawMany(request, 1, logits).front();
            CHECK(token >= 0 && token < 130);
        }
    }
}

TEST("values out of TensorRT-LLM's range are refused")
{
    SamplingConfig config;
    auto const nan = std::nanf("");
    CHECK_THROWS(config.setTopK(-1));
    CHECK_THROWS(config.setTopP(0.f));
    CHECK_THROWS(config.setTopP(1.5f));
    CHECK_THROWS(config.setTopP(nan));
    CHECK_THROWS(config.setTopPMin(0.f));
    CHECK_THROWS(config.setTopPDecay(1.1f));
    CHECK_THROWS(config.setTopPResetIds(-1));
    CHECK_THROWS(config.setTemperature(-1.f));
    CHECK_THROWS(config.setTemperature(nan));
    CHECK_THROWS(config.setMinP(1.1f));
    CHECK_THROWS(config.setRepetitionPenalty(0.f));
    CHECK_THROWS(config.setPresencePenalty(nan));
    CHECK_THROWS(config.setPromptIgnoreLength(-1));
    CHECK_THROWS(config.setNoRepeatNgramSize(-1));
    CHECK_THROWS(config.setMinTokens(-1));
    CHECK_THROWS(SamplingConfig(0));
    CHECK_THROWS(SamplingConfig(2).setNumReturnSequences(3));
    CHECK_THROWS(config.setLengthPenalty(-1.f));
    CHECK_THROWS(config.setBeamSearchDiversityRate(nan));
    CHECK_THROWS(config.setEarlyStopping(-1));
    CHECK_THROWS(sampling().setEmbeddingBias(Tensor::cpu<float>({5, 1})));
    CHECK_THROWS(sampling().setEmbeddingBias(Tensor::cpu<std::int32_t>({5})));
}
