#include "check.h"
#include "sampling/sampler.h"

#include <cmath>
#include <functional>
#include <vector>

namespace
{

using namespace tensorrt_llm::executor;
using embedded::Sampler;

std::vector<float> const kLogits{0.f, 2.f, 1.f, -1.f, 0.5f};

SamplingConfig sampling(std::function<void(SamplingConfig&)> const& set)
{
    SamplingConfig config;
    set(config);
    return config;
}

VecTokens drawMany(SamplingConfig const& config, int draws)
{
    Sampler sampler(config, {}, std::nullopt);
    VecTokens tokens;
    for (int i = 0; i < draws; ++i)
    {
        tokens.push_back(sampler.sample(kLogits.data(), static_cast<SizeType32>(kLogits.size())));
    }
    return tokens;
}

/// Pearson's statistic of the draws against softmax(kLogits / temperature) over the allowed tokens.
double chiSquare(VecTokens const& draws, std::vector<bool> const& allowed, double temperature)
{
    double sum = 0;
    for (std::size_t id = 0; id < kLogits.size(); ++id)
    {
        sum += allowed[id] ? std::exp(kLogits[id] / temperature) : 0;
    }
    double statistic = 0;
    for (std::size_t id = 0; id < kLogits.size(); ++id)
    {
        double seen = 0;
        for (auto const token : draws)
        {
            seen += static_cast<std::size_t>(token) == id ? 1 : 0;
        }
        if (!allowed[id])
        {
            CHECK_EQ(seen, 0.0);
            continue;
        }
        double const expected = std::exp(kLogits[id] / temperature) / sum * static_cast<double>(draws.size());
        statistic += (seen - expected) * (seen - expected) / expected;
    }
    return statistic;
}

// 99.9 % quantiles for 4, 2 and 1 degrees of freedom.
constexpr double kCritical4 = 18.47;
constexpr double kCritical2 = 13.82;
constexpr double kCritical1 = 10.83;

} // namespace

TEST("without top-k and top-p the most likely token is taken, whatever the temperature")
{
    auto const draws = drawMany(sampling([](auto& config) { config.setTemperature(3.f); }), 50);
    CHECK(draws == VecTokens(50, 1));
}

TEST("temperature 0 is greedy even with top-p")
{
    auto const config = sampling(
        [](auto& c)
        {
            c.setTemperature(0.f);
            c.setTopP(0.9f);
        });
    CHECK(drawMany(config, 50) == VecTokens(50, 1));
}

TEST("top-p 1 draws from the whole distribution")
{
    auto const draws = drawMany(sampling([](auto& c) { c.setTopP(1.f); }), 10000);
    CHECK(chiSquare(draws, {true, true, true, true, true}, 1) < kCritical4);
}

TEST("temperature flattens the distribution as softmax says")
{
    auto const config = sampling(
        [](auto& c)
        {
            c.setTopP(1.f);
            c.setTemperature(2.f);
        });
    CHECK(chiSquare(drawMany(config, 10000), {true, true, true, true, true}, 2) < kCritical4);
}

TEST("top-k keeps the k most likely tokens")
{
    auto const draws = drawMany(sampling([](auto& c) { c.setTopK(3); }), 10000);
    CHECK(chiSquare(draws, {false, true, true, false, true}, 1) < kCritical2);
}

TEST("top-p keeps the most likely tokens until they reach p")
{
    // Probabilities: 0.55, 0.20, 0.12, 0.07, 0.03; two of them pass 0.7.
    auto const draws = drawMany(sampling([](auto& c) { c.setTopP(0.7f); }), 10000);
    CHECK(chiSquare(draws, {false, true, true, false, false}, 1) < kCritical1);
}

TEST("min-p drops tokens less likely than its share of the best")
{
    // Shares of the best: e^-2 = 0.14, 1, e^-1 = 0.37, e^-3 = 0.05, e^-1.5 = 0.22.
    auto const config = sampling(
        [](auto& c)
        {
            c.setTopP(1.f);
            c.setMinP(0.3f);
        });
    CHECK(chiSquare(drawMany(config, 10000), {false, true, true, false, false}, 1) < kCritical1);
}

TEST("the same seed draws the same tokens and another seed does not")
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
}

TEST("a repetition penalty divides positive and multiplies negative logits of tokens seen before")
{
    auto const config = sampling([](auto& c) { c.setRepetitionPenalty(3.f); });
    Sampler sampler(config, {1}, std::nullopt);
    CHECK_EQ(sampler.sample(kLogits.data(), 5), 2); // token 1: 2 / 3 is below token 2's 1
    CHECK_EQ(sampler.sample(kLogits.data(), 5), 1); // token 2: 1 / 3 is below 2 / 3
}

TEST("presence counts a token once and frequency each time it occurred")
{
    auto const presence = sampling([](auto& c) { c.setPresencePenalty(1.5f); });
    Sampler once(presence, {1, 1, 1}, std::nullopt);
    CHECK_EQ(once.sample(kLogits.data(), 5), 2); // 2 - 1.5 = 0.5 against 1

    auto const frequency = sampling([](auto& c) { c.setFrequencyPenalty(0.4f); });
    Sampler each(frequency, {1, 1}, std::nullopt);
    CHECK_EQ(each.sample(kLogits.data(), 5), 1); // 2 - 0.8 = 1.2 against 1
    CHECK_EQ(each.sample(kLogits.data(), 5), 2); // 2 - 1.2 = 0.8 against 1
}

TEST("minTokens holds the end token back until then")
{
    auto const config = sampling([](auto& c) { c.setMinTokens(2); });
    Sampler sampler(config, {}, 1);
    CHECK_EQ(sampler.sample(kLogits.data(), 5), 2);
    CHECK_EQ(sampler.sample(kLogits.data(), 5), 2);
    CHECK_EQ(sampler.sample(kLogits.data(), 5), 1);
}

TEST("log-probabilities are those of softmax over the logits")
{
    double sum = 0;
    for (auto const logit : kLogits)
    {
        sum += std::exp(logit);
    }
    for (TokenIdType id = 0; id < 5; ++id)
    {
        auto const expected = std::log(std::exp(kLogits[static_cast<std::size_t>(id)]) / sum);
        CHECK(std::abs(embedded::logProbability(kLogits.data(), 5, id) - expected) < 1e-5);
    }
}

TEST("a mask leaves only the tokens it allows, to greedy and to random sampling alike")
{
    embedded::TokenMask const mask{0b10101u};
    Sampler greedy(SamplingConfig(), {}, std::nullopt);
    CHECK_EQ(greedy.sample(kLogits.data(), 5, &mask), 2);
    CHECK_EQ(greedy.sample(kLogits.data(), 5), 1);

    Sampler random(sampling([](auto& c) { c.setTopP(1.f); }), {}, std::nullopt);
    VecTokens draws;
    for (int i = 0; i < 10000; ++i)
    {
        draws.push_back(random.sample(kLogits.data(), 5, &mask));
    }
    CHECK(chiSquare(draws, {true, false, true, false, true}, 1.0) < kCritical2);
}

TEST("minTokens does not hold back the only token that a mask allows")
{
    embedded::TokenMask const onlyEnd{0b1000u};
    Sampler sampler(sampling([](auto& c) { c.setMinTokens(5); }), {}, 3);
    CHECK_EQ(sampler.sample(kLogits.data(), 5, &onlyEnd), 3);
}

TEST("values out of TensorRT-LLM's range are refused")
{
    SamplingConfig config;
    auto const nan = std::nanf("");
    CHECK_THROWS(config.setTopK(-1));
    CHECK_THROWS(config.setTopP(0.f));
    CHECK_THROWS(config.setTopP(1.5f));
    CHECK_THROWS(config.setTopP(nan));
    CHECK_THROWS(config.setTemperature(-1.f));
    CHECK_THROWS(config.setTemperature(nan));
    CHECK_THROWS(config.setMinP(1.1f));
    CHECK_THROWS(config.setRepetitionPenalty(0.f));
    CHECK_THROWS(config.setPresencePenalty(nan));
    CHECK_THROWS(config.setMinTokens(-1));
    CHECK_THROWS(SamplingConfig(2));
}
