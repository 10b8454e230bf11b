// The 16-bit forms of floating-point numbers, by their bits.
#pragma once

#include <cstdint>

namespace trtllm_shim
{

[[nodiscard]] float fromHalf(std::uint16_t bits) noexcept;
[[nodiscard]] float fromBfloat(std::uint16_t bits) noexcept;
/// The nearest, of two the even one; infinite beyond 65,504.
[[nodiscard]] std::uint16_t toHalf(float value) noexcept;
/// The nearest, of two the even one.
[[nodiscard]] std::uint16_t toBfloat(float value) noexcept;

} // namespace trtllm_shim
