#include "scan.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

namespace logits
{

namespace
{

/// Independent running values, one per SIMD lane, since compilers may not reorder float arithmetic themselves.
constexpr std::size_t kLanes = 16;
static_assert(kBlock % kLanes == 0);

float maximumOf(float const* row, std::size_t size)
{
    float lanes[kLanes];
    std::fill(lanes, lanes + kLanes, kLowest);
    std::size_t i = 0;
    for (; i + kLanes <= size; i += kLanes)
    {
        for (std::size_t lane = 0; lane < kLanes; ++lane)
        {
            lanes[lane] = row[i + lane] > lanes[lane] ? row[i + lane] : lanes[lane];
        }
    }
    auto maximum = kLowest;
    for (auto const lane : lanes)
    {
        maximum = lane > maximum ? lane : maximum;
    }
    for (; i < size; ++i)
    {
        maximum = row[i] > maximum ? row[i] : maximum;
    }
    return maximum;
}

/// Where exp() stops falling: so small a term that no sum of logits notices it, and still a normal number.
constexpr float kSmallest = -87.0f;

/// exp(x) for x from kSmallest to 0, by Cephes' expf: x = n ln 2 + r, a polynomial in r, n into the exponent.
inline float expNegative(float x)
{
    constexpr float kRound = 12582912.0f; // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
    auto const shifted = x * 1.44269504088896341f + kRound;
    auto const n = shifted - kRound;
    auto const r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    auto p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    std::int32_t bits;
    std::memcpy(&bits, &shifted, sizeof bits);
    bits = static_cast<std::int32_t>(static_cast<std::uint32_t>(bits - 0x4B400000 + 127) << 23);
    float power;
    std::memcpy(&power, &bits, sizeof power);
    return p * power;
}

/// Of up to kBlock logits.
float blockSum(float const* row, std::size_t count, float maximum, float scale)
{
    float terms[kBlock];
    std::fill(terms, terms + kBlock, kSmallest);
    for (std::size_t i = 0; i < count; ++i)
    {
        auto const x = (row[i] - maximum) * scale;
        terms[i] = x > kSmallest ? x : kSmallest;
    }
    for (std::size_t i = 0; i < kBlock; ++i) // also beyond the row: a constant count is what makes it fast
    {
        terms[i] = expNegative(terms[i]);
    }
    std::fill(terms + count, terms + kBlock, 0.0f);
    for (std::size_t half = kBlock / 2; half > 0; half /= 2)
    {
        for (std::size_t i = 0; i < half; ++i)
        {
            terms[i] += terms[i + half];
        }
    }
    return terms[0];
}

} // namespace

std::int32_t argmax(float const* row, std::size_t size)
{
    auto best = kLowest;
    std::size_t bestBlock = 0;
    for (std::size_t begin = 0; begin < size; begin += kBlock)
    {
        auto const maximum = maximumOf(row + begin, std::min(kBlock, size - begin));
        if (maximum > best)
        {
            best = maximum;
            bestBlock = begin;
        }
    }
    for (auto i = bestBlock; i < size; ++i)
    {
        if (row[i] == best)
        {
            return static_cast<std::int32_t>(i);
        }
    }
    return 0;
}

float blockMaxima(float const* row, std::size_t size, std::vector<float>& maxima)
{
    maxima.resize((size + kBlock - 1) / kBlock);
    for (std::size_t block = 0; block < maxima.size(); ++block)
    {
        maxima[block] = maximumOf(row + block * kBlock, std::min(kBlock, size - block * kBlock));
    }
    return maximumOf(maxima.data(), maxima.size());
}

double sumExp(float const* row, std::size_t size, float maximum, float scale)
{
    double sum = 0;
    for (std::size_t begin = 0; begin < size; begin += kBlock)
    {
        sum += blockSum(row + begin, std::min(kBlock, size - begin), maximum, scale);
    }
    return sum;
}

double blockSums(float const* row, std::size_t size, float maximum, float scale, std::vector<float>& sums)
{
    sums.resize((size + kBlock - 1) / kBlock);
    double total = 0;
    for (std::size_t block = 0; block < sums.size(); ++block)
    {
        sums[block] = blockSum(row + block * kBlock, std::min(kBlock, size - block * kBlock), maximum, scale);
        total += sums[block];
    }
    return total;
}

double logSumExp(float const* row, std::size_t size)
{
    auto const maximum = maximumOf(row, size);
    return maximum + std::log(sumExp(row, size, maximum, 1.0f));
}

void selectTop(float const* row, std::size_t size, std::vector<float> const& maxima, std::size_t count,
    std::vector<Entry>& top)
{
    top.clear();
    if (count == 0)
    {
        return;
    }
    // `count` blocks have a logit that is at least the count-th largest maximum: so much is always among the top.
    auto floor = kLowest;
    if (count <= maxima.size())
    {
        auto sorted = maxima;
        auto const nth = sorted.begin() + static_cast<std::ptrdiff_t>(count - 1);
        std::nth_element(sorted.begin(), nth, sorted.end(), std::greater<>());
        floor = *nth;
    }
    forEachAtLeast(row, size, maxima, floor, [&](std::int32_t id, float logit) { top.push_back({id, logit}); });
    if (count < top.size())
    {
        std::nth_element(top.begin(), top.begin() + static_cast<std::ptrdiff_t>(count), top.end(), before);
        top.resize(count);
    }
}

} // namespace logits
