#include "check.h"
#include "scan.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace
{

std::vector<float> randomRow(std::size_t size, unsigned seed, float spread)
{
    std::mt19937 random(seed);
    std::normal_distribution<float> logit(0.f, spread);
    std::vector<float> row(size);
    std::generate(row.begin(), row.end(), [&] { return std::round(logit(random) * 8) / 8; }); // with ties
    return row;
}

std::vector<logits::Entry> sorted(std::vector<float> const& row)
{
    std::vector<logits::Entry> entries;
    for (std::size_t id = 0; id < row.size(); ++id)
    {
        entries.push_back({static_cast<std::int32_t>(id), row[id]});
    }
    std::sort(entries.begin(), entries.end(), logits::before);
    return entries;
}

} // namespace

TEST("argmax, block maxima and the top are those of a sorted row of any length")
{
    for (std::size_t size : {1, 2, 15, 16, 17, 63, 64, 65, 128, 1000, 5003})
    {
        for (unsigned seed = 0; seed < 20; ++seed)
        {
            auto const row = randomRow(size, seed, 2.f);
            auto const order = sorted(row);
            CHECK_EQ(logits::argmax(row.data(), size), order.front().id);
            std::vector<float> maxima;
            CHECK_EQ(logits::blockMaxima(row.data(), size, maxima), order.front().logit);
            for (std::size_t count : {0, 1, 3, 40, 6000})
            {
                std::vector<logits::Entry> top;
                logits::selectTop(row.data(), size, maxima, count, top);
                std::sort(top.begin(), top.end(), logits::before);
                CHECK_EQ(top.size(), std::min(count, size));
                CHECK(std::equal(top.begin(), top.end(), order.begin(),
                    [](auto const& a, auto const& b) { return a.id == b.id && a.logit == b.logit; }));
            }
        }
    }
}

TEST("tokens of -infinity are never among the top")
{
    std::vector<float> row(200, -INFINITY);
    row[150] = -3.f;
    std::vector<float> maxima;
    logits::blockMaxima(row.data(), row.size(), maxima);
    std::vector<logits::Entry> top;
    logits::selectTop(row.data(), row.size(), maxima, 10, top);
    CHECK_EQ(top.size(), 1);
    CHECK_EQ(top.front().id, 150);
}

TEST("sums of exponentials equal those in double precision to 2e-7")
{
    for (std::size_t size : {1, 64, 100, 49152})
    {
        for (auto const spread : {0.1f, 3.f, 30.f, 1000.f})
        {
            auto const row = randomRow(size, 1, spread);
            auto const best = *std::max_element(row.begin(), row.end());
            for (auto const scale : {0.1f, 1.f, 7.f})
            {
                double expected = 0;
                for (auto const logit : row)
                {
                    expected += std::exp((static_cast<double>(logit) - best) * scale);
                }
                auto const actual = logits::sumExp(row.data(), size, best, scale);
                CHECK(std::abs(actual / expected - 1) < 2e-7 + 1e-6 * scale);
            }
            double sum = 0;
            for (auto const logit : row)
            {
                sum += std::exp(static_cast<double>(logit) - best);
            }
            CHECK(std::abs(logits::logSumExp(row.data(), size) - (best + std::log(sum))) < 1e-6 * (1 + std::abs(best)));
        }
    }
}
