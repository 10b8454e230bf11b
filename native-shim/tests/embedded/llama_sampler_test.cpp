// The sampler against llama.cpp's own chain, where both mean the same.
#include "check.h"
#include "sampling/sampler.h"
#include "sampling_request.h"

#include <llama.h>

#include <algorithm>
#include <memory>
#include <numeric>

namespace
{

using namespace sampling_request;
using embedded::Sampler;
using Chain = std::unique_ptr<llama_sampler, decltype(&llama_sampler_free)>;

Chain chain(std::vector<llama_sampler*> const& samplers)
{
    Chain whole(llama_sampler_chain_init(llama_sampler_chain_default_params()), llama_sampler_free);
    for (auto* const sampler : samplers)
    {
        llama_sampler_chain_add(whole.get(), sampler);
    }
    return whole;
}

/// What the chain leaves, with probabilities, the most likely first.
std::vector<llama_token_data> candidates(Chain const& chain, std::vector<float> const& logits)
{
    std::vector<llama_token_data> data;
    for (std::size_t id = 0; id < logits.size(); ++id)
    {
        data.push_back({static_cast<llama_token>(id), logits[id], 0.f});
    }
    llama_token_data_array array{data.data(), data.size(), -1, false};
    llama_sampler_apply(chain.get(), &array);
    data.assign(array.data, array.data + array.size);
    std::sort(data.begin(), data.end(), [](auto const& a, auto const& b) { return a.logit > b.logit; });
    double sum = 0;
    for (auto const& candidate : data)
    {
        sum += std::exp(static_cast<double>(candidate.logit) - data.front().logit);
    }
    for (auto& candidate : data)
    {
        candidate.p = static_cast<float>(std::exp(static_cast<double>(candidate.logit) - data.front().logit) / sum);
    }
    return data;
}

struct Options
{
    float temperature;
    int topK;
    float topP;
    float minP;
};

} // namespace

TEST("temperature, min-p, top-k and top-p keep llama.cpp's candidates with llama.cpp's probabilities")
{
    std::vector<Options> const all{{1.f, 0, 1.f, 0.f}, {0.7f, 0, 1.f, 0.f}, {1.f, 8, 1.f, 0.f}, {1.5f, 40, 1.f, 0.f},
        {1.f, 0, 0.9f, 0.f}, {0.8f, 0, 0.5f, 0.f}, {1.3f, 20, 0.8f, 0.f}, {1.f, 0, 1.f, 0.05f}, {0.9f, 30, 0.95f, 0.02f},
        {2.f, 100, 0.99f, 0.01f}};
    std::uint64_t seed = 1;
    for (auto const& options : all)
    {
        auto const logits = randomLogits(400, ++seed);
        auto const request = sampling(
            [&](SamplingConfig& config)
            {
                config.setTemperature(options.temperature);
                config.setTopP(options.topP);
                config.setMinP(options.minP);
                config.setSeed(seed);
                if (options.topK > 0)
                {
                    config.setTopK(options.topK);
                }
            });
        auto const before = std::vector<llama_sampler*>{llama_sampler_init_temp(options.temperature),
            llama_sampler_init_min_p(options.minP, 1), llama_sampler_init_top_k(options.topK)};
        auto const wide = candidates(chain(before), logits);
        auto const kept = candidates(chain({llama_sampler_init_temp(options.temperature),
                                         llama_sampler_init_min_p(options.minP, 1),
                                         llama_sampler_init_top_k(options.topK),
                                         llama_sampler_init_top_p(options.topP, 1)}),
            logits);
        // llama.cpp gives the last token of a nucleus all of its probability, TensorRT-LLM what lies within topP.
        std::vector<double> expected(logits.size());
        double left = options.topP;
        for (std::size_t i = 0; i < kept.size(); ++i)
        {
            CHECK_EQ(kept[i].id, wide[i].id);
            auto const share = i + 1 < kept.size() ? static_cast<double>(wide[i].p) : left;
            expected[static_cast<std::size_t>(kept[i].id)] = share / options.topP;
            left -= share;
        }
        Sampler sampler(request);
        VecTokens draws;
        for (int i = 0; i < 10000; ++i)
        {
            draws.push_back(sampler.sample(logits.data(), 400));
        }
        CHECK(fits(draws, expected));
    }
}

TEST("greedy answers with penalties equal llama.cpp's, token for token")
{
    constexpr int kVocabulary = 300;
    struct Penalties
    {
        float repetition;
        float presence;
        float frequency;
    };
    for (auto const& penalties :
        {Penalties{1.f, 0.f, 0.f}, {1.3f, 0.f, 0.f}, {1.f, 0.8f, 0.f}, {1.f, 0.f, 0.4f}, {1.1f, 0.5f, 0.2f}})
    {
        VecTokens const prompt{1, 2, 3, 3, 250};
        auto const request = sampling(
            [&](SamplingConfig& config)
            {
                config.setRepetitionPenalty(penalties.repetition);
                config.setPresencePenalty(penalties.presence);
                config.setFrequencyPenalty(penalties.frequency);
            },
            prompt);
        Sampler sampler(request);
        auto const reference = chain({llama_sampler_init_penalties(kVocabulary, 4096, penalties.repetition,
                                          penalties.frequency, penalties.presence),
            llama_sampler_init_greedy()});
        for (auto const token : prompt)
        {
            llama_sampler_accept(reference.get(), token);
        }
        for (std::uint64_t step = 0; step < 500; ++step)
        {
            auto const logits = randomLogits(kVocabulary, step % 5, 1.f); // returning, so that penalties matter
            std::vector<llama_token_data> data;
            for (int id = 0; id < kVocabulary; ++id)
            {
                data.push_back({id, logits[static_cast<std::size_t>(id)], 0.f});
            }
            llama_token_data_array array{data.data(), data.size(), -1, false};
            llama_sampler_apply(reference.get(), &array);
            auto const expected = array.data[array.selected].id;
            llama_sampler_accept(reference.get(), expected);
            CHECK_EQ(sampler.sample(logits.data(), kVocabulary), expected);
        }
    }
}
