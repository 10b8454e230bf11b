// Requests and statistics for the tests of sampling.
#pragma once

#include "tensorrt_llm/executor/executor.h"

#include <cmath>
#include <cstddef>
#include <functional>
#include <random>
#include <vector>

namespace sampling_request
{

using namespace tensorrt_llm::executor;

/// A request whose sampling configuration `set` fills.
inline Request sampling(
    std::function<void(SamplingConfig&)> const& set = [](SamplingConfig&) {}, VecTokens prompt = {0})
{
    SamplingConfig config;
    set(config);
    return Request(std::move(prompt), 1, false, config);
}

inline std::vector<float> randomLogits(std::size_t size, std::uint64_t seed, float spread = 3.f)
{
    std::mt19937_64 random(seed);
    std::normal_distribution<float> logit(0.f, spread);
    std::vector<float> logits(size);
    for (auto& value : logits)
    {
        value = logit(random);
    }
    return logits;
}

/// softmax(logits / temperature) in double precision.
inline std::vector<double> softmax(std::vector<float> const& logits, double temperature = 1)
{
    double best = -INFINITY;
    for (auto const logit : logits)
    {
        best = std::max(best, static_cast<double>(logit));
    }
    double sum = 0;
    std::vector<double> probabilities;
    for (auto const logit : logits)
    {
        probabilities.push_back(std::exp((logit - best) / temperature));
        sum += probabilities.back();
    }
    for (auto& probability : probabilities)
    {
        probability /= sum;
    }
    return probabilities;
}

/// Whether `draws` fit `probabilities` by Pearson's test at the 99.99 % level; outcomes expected less than 5 times
/// are taken together, and one of probability 0 may never come.
inline bool fits(VecTokens const& draws, std::vector<double> const& probabilities)
{
    std::vector<double> seen(probabilities.size());
    for (auto const token : draws)
    {
        seen.at(static_cast<std::size_t>(token)) += 1;
    }
    double statistic = 0;
    double rareSeen = 0;
    double rareExpected = 0;
    int cells = 0;
    auto const add = [&](double observed, double expected)
    {
        statistic += (observed - expected) * (observed - expected) / expected;
        ++cells;
    };
    for (std::size_t id = 0; id < probabilities.size(); ++id)
    {
        auto const expected = probabilities[id] * static_cast<double>(draws.size());
        if (expected == 0 && seen[id] > 0)
        {
            return false;
        }
        if (expected >= 5)
        {
            add(seen[id], expected);
        }
        else
        {
            rareSeen += seen[id];
            rareExpected += expected;
        }
    }
    if (rareExpected > 0)
    {
        add(rareSeen, std::max(rareExpected, 1.0));
    }
    // Wilson and Hilferty's approximation of the chi-square quantile.
    auto const freedom = std::max(cells - 1, 1);
    auto const spread = 2.0 / (9.0 * freedom);
    auto const quantile = freedom * std::pow(1 - spread + 3.719 * std::sqrt(spread), 3);
    return statistic < quantile;
}

} // namespace sampling_request
