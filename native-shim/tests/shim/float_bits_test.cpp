#include "check.h"
#include "float_bits.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

namespace
{

using namespace trtllm_shim;

float randomFloat(std::mt19937& random)
{
    auto const bits = random();
    float value = 0;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
}

} // namespace

TEST("every number of 16 bits comes back as it was")
{
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits)
    {
        auto const half = fromHalf(static_cast<std::uint16_t>(bits));
        auto const bfloat = fromBfloat(static_cast<std::uint16_t>(bits));
        CHECK(std::isnan(half) ? std::isnan(fromHalf(toHalf(half))) : toHalf(half) == bits);
        CHECK(std::isnan(bfloat) ? std::isnan(fromBfloat(toBfloat(bfloat))) : toBfloat(bfloat) == bits);
    }
}

TEST("halves have the values of IEEE 754")
{
    CHECK_EQ(fromHalf(0x3c00), 1.f);
    CHECK_EQ(fromHalf(0xc000), -2.f);
    CHECK_EQ(fromHalf(0x7bff), 65504.f);
    CHECK_EQ(fromHalf(0x0001), std::ldexp(1.f, -24));
    CHECK_EQ(fromHalf(0x3555), 0.333251953125f);
    CHECK_EQ(fromHalf(0x7c00), std::numeric_limits<float>::infinity());
    CHECK_EQ(toHalf(65519.f), 0x7bff);
    CHECK_EQ(toHalf(65520.f), 0x7c00);
    CHECK_EQ(fromBfloat(0x3f80), 1.f);
    CHECK_EQ(toBfloat(3.14159265f), 0x4049);
}

TEST("any number becomes the nearest one of 16 bits, of two the even one")
{
    std::mt19937 random(3);
    for (int i = 0; i < 1'000'000; ++i)
    {
        auto const value = randomFloat(random);
        if (!std::isfinite(value) || std::fabs(value) > 65504.f)
        {
            continue;
        }
        auto const bits = toHalf(value);
        double const error = std::fabs(static_cast<double>(fromHalf(bits)) - value);
        for (auto const other : {static_cast<std::uint16_t>(bits - 1), static_cast<std::uint16_t>(bits + 1)})
        {
            double const otherError = std::fabs(static_cast<double>(fromHalf(other)) - value);
            CHECK(!(otherError < error) && (otherError != error || (bits & 1) == 0));
        }
    }
}
