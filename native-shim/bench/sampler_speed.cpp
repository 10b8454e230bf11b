// Microseconds a token of the embedded executor's sampler and of llama.cpp's own chain, on the same logits.
#include "sampling/sampler.h"

#include <llama.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace
{

using namespace tensorrt_llm::executor;

constexpr int kRows = 16; // more than the second-level cache holds, as in a batch
constexpr int kDraws = 2000;

std::vector<std::vector<float>> makeLogits(int vocabulary)
{
    std::mt19937 random(1);
    std::normal_distribution<float> logit(0.f, 2.5f);
    std::vector<std::vector<float>> rows(kRows, std::vector<float>(static_cast<std::size_t>(vocabulary)));
    for (auto& row : rows)
    {
        for (auto& value : row)
        {
            value = logit(random);
        }
        for (int likely = 0; likely < 20; ++likely) // a model's rows have a few tokens far above the rest
        {
            row[random() % row.size()] += 12.f;
        }
    }
    return rows;
}

double microseconds(std::vector<std::vector<float>> const& rows, std::function<void(std::vector<float> const&)> sample)
{
    auto best = 1e30;
    for (int repeat = 0; repeat < 3; ++repeat)
    {
        auto const begin = std::chrono::steady_clock::now();
        for (int i = 0; i < kDraws; ++i)
        {
            sample(rows[static_cast<std::size_t>(i % kRows)]);
        }
        std::chrono::duration<double, std::micro> const elapsed = std::chrono::steady_clock::now() - begin;
        best = std::min(best, elapsed.count() / kDraws);
    }
    return best;
}

double ours(std::vector<std::vector<float>> const& rows, std::function<void(SamplingConfig&)> const& set)
{
    SamplingConfig config;
    set(config);
    embedded::Sampler sampler(Request({0}, 1, false, config));
    return microseconds(rows,
        [&](auto const& row)
        { static_cast<void>(sampler.sample(row.data(), static_cast<SizeType32>(row.size()))); });
}

/// As llama_sampler_sample does it: an array of candidates is made for each token.
double theirs(std::vector<std::vector<float>> const& rows, std::vector<llama_sampler*> const& samplers)
{
    std::unique_ptr<llama_sampler, decltype(&llama_sampler_free)> const chain(
        llama_sampler_chain_init(llama_sampler_chain_default_params()), llama_sampler_free);
    for (auto* const sampler : samplers)
    {
        llama_sampler_chain_add(chain.get(), sampler);
    }
    std::vector<llama_token_data> data;
    return microseconds(rows,
        [&](auto const& row)
        {
            data.resize(row.size());
            for (std::size_t id = 0; id < row.size(); ++id)
            {
                data[id] = {static_cast<llama_token>(id), row[id], 0.f};
            }
            llama_token_data_array array{data.data(), data.size(), -1, false};
            llama_sampler_apply(chain.get(), &array);
            llama_sampler_accept(chain.get(), array.data[array.selected].id);
        });
}

void print(int vocabulary, char const* what, double embedded, double llama)
{
    std::printf("%-9d %-28s %9.1f %9.1f %7.1f\n", vocabulary, what, embedded, llama, llama / embedded);
}

} // namespace

int main()
{
    std::printf("%-9s %-28s %9s %9s %7s\n", "tokens", "microseconds a draw", "embedded", "llama.cpp", "times");
    for (auto const vocabulary : {49152, 151936, 262144})
    {
        auto const rows = makeLogits(vocabulary);
        print(vocabulary, "greedy", ours(rows, [](auto& c) { c.setTopK(1); }), theirs(rows, {llama_sampler_init_greedy()}));
        print(vocabulary, "topP 0.9, temperature 0.8",
            ours(rows,
                [](auto& c)
                {
                    c.setTopP(0.9f);
                    c.setTemperature(0.8f);
                }),
            theirs(rows,
                {llama_sampler_init_top_p(0.9f, 1), llama_sampler_init_temp(0.8f), llama_sampler_init_dist(1)}));
        print(vocabulary, "topK 40, temperature 0.8",
            ours(rows,
                [](auto& c)
                {
                    c.setTopK(40);
                    c.setTemperature(0.8f);
                }),
            theirs(rows, {llama_sampler_init_top_k(40), llama_sampler_init_temp(0.8f), llama_sampler_init_dist(1)}));
        print(vocabulary, "temperature 1.5",
            ours(rows,
                [](auto& c)
                {
                    c.setTopP(1.f);
                    c.setTemperature(1.5f);
                }),
            theirs(rows, {llama_sampler_init_temp(1.5f), llama_sampler_init_dist(1)}));
    }
}
