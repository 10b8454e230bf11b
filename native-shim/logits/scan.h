// Passes over one row of logits, shaped so that compilers turn them into SIMD code. The embedded executor samples
// with them, the shim computes log-probabilities.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace logits
{

/// Logits under one maximum: what later passes skip as a whole.
constexpr std::size_t kBlock = 64;
constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// Index of the largest logit; the lowest of equals. NaN is never the largest; 0 where all are NaN or -infinity.
[[nodiscard]] std::int32_t argmax(float const* row, std::size_t size);

/// Fills `maxima` with the largest logit of each block and returns the largest of all.
float blockMaxima(float const* row, std::size_t size, std::vector<float>& maxima);

/// Sum of exp((logit - maximum) * scale); maximum is the largest logit, scale is above 0. The relative error of a
/// term is below 2e-7.
[[nodiscard]] double sumExp(float const* row, std::size_t size, float maximum, float scale);

/// As sumExp, and fills `sums` with the sum of each block.
double blockSums(float const* row, std::size_t size, float maximum, float scale, std::vector<float>& sums);

/// Natural logarithm of the sum of exp(logit): subtract it from a logit to get its log-probability.
[[nodiscard]] double logSumExp(float const* row, std::size_t size);

struct Entry
{
    std::int32_t id;
    float logit;
};

/// Larger logit first, then lower id.
inline bool before(Entry const& a, Entry const& b)
{
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

/// Calls visit(id, logit) for logits that are at least `floor` and above -infinity, in order of ids.
template <typename Visit>
void forEachAtLeast(float const* row, std::size_t size, std::vector<float> const& maxima, float floor, Visit visit)
{
    for (std::size_t block = 0; block < maxima.size(); ++block)
    {
        if (!(maxima[block] >= floor))
        {
            continue;
        }
        auto const end = block * kBlock + kBlock < size ? block * kBlock + kBlock : size;
        for (auto id = block * kBlock; id < end; ++id)
        {
            if (row[id] >= floor && row[id] > kLowest)
            {
                visit(static_cast<std::int32_t>(id), row[id]);
            }
        }
    }
}

/// Replaces `top` by the `count` largest logits above -infinity, or all where there are fewer, in no order.
/// maxima: of the row, by blockMaxima.
void selectTop(float const* row, std::size_t size, std::vector<float> const& maxima, std::size_t count,
    std::vector<Entry>& top);

} // namespace logits
