#include "float_bits.h"

#include <cmath>
#include <cstring>

namespace trtllm_shim
{

namespace
{

constexpr int kHalfFractionBits = 10;
constexpr int kHalfBias = 15;
constexpr int kFloatFractionBits = 23;
constexpr int kFloatBias = 127;
constexpr std::uint32_t kHalfInfinity = 0x7c00;

std::uint32_t bitsOf(float value)
{
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof(bits));
    return bits;
}

float fromBits(std::uint32_t bits)
{
    float value = 0;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
}

/// `bits` without its last `count` bits, to the nearest; of two to the even one.
std::uint32_t shiftToNearest(std::uint32_t bits, int count)
{
    if (count > 31)
    {
        return 0;
    }
    auto const half = std::uint32_t{1} << (count - 1);
    auto const rest = bits & (2 * half - 1);
    auto const kept = bits >> count;
    return kept + (rest > half || (rest == half && (kept & 1) != 0) ? 1 : 0);
}

} // namespace

float fromHalf(std::uint16_t bits) noexcept
{
    std::uint32_t const sign = (bits & 0x8000u) << 16;
    std::uint32_t const exponent = (bits >> kHalfFractionBits) & 0x1f;
    std::uint32_t const fraction = bits & 0x3ff;
    if (exponent == 0)
    {
        auto const value = std::ldexp(static_cast<float>(fraction), 1 - kHalfBias - kHalfFractionBits);
        return sign != 0 ? -value : value;
    }
    auto const wide = exponent == 0x1f ? 0xff : exponent - kHalfBias + kFloatBias;
    return fromBits(sign | (wide << kFloatFractionBits) | (fraction << (kFloatFractionBits - kHalfFractionBits)));
}

float fromBfloat(std::uint16_t bits) noexcept
{
    return fromBits(static_cast<std::uint32_t>(bits) << 16);
}

std::uint16_t toHalf(float value) noexcept
{
    auto const bits = bitsOf(value);
    auto const sign = (bits >> 16) & 0x8000u;
    if (std::isnan(value))
    {
        return static_cast<std::uint16_t>(sign | kHalfInfinity | 1);
    }
    auto const exponent = static_cast<int>((bits >> kFloatFractionBits) & 0xff) - kFloatBias + kHalfBias;
    if (exponent >= 0x1f)
    {
        return static_cast<std::uint16_t>(sign | kHalfInfinity);
    }
    constexpr int kDropped = kFloatFractionBits - kHalfFractionBits;
    auto const fraction = bits & ((std::uint32_t{1} << kFloatFractionBits) - 1);
    if (exponent <= 0) // a subnormal one: the leading bit is written out
    {
        auto const whole = fraction | (std::uint32_t{1} << kFloatFractionBits);
        return static_cast<std::uint16_t>(sign | shiftToNearest(whole, kDropped + 1 - exponent));
    }
    // What rounds up beyond the fraction goes into the exponent, and from the largest to infinity.
    auto const joined = (static_cast<std::uint32_t>(exponent) << kFloatFractionBits) | fraction;
    return static_cast<std::uint16_t>(sign | shiftToNearest(joined, kDropped));
}

std::uint16_t toBfloat(float value) noexcept
{
    if (std::isnan(value))
    {
        return 0x7fc0;
    }
    return static_cast<std::uint16_t>(shiftToNearest(bitsOf(value), 16));
}

} // namespace trtllm_shim
