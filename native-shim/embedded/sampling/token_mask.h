// Which tokens a grammar allows.
#pragma once

#include <cstdint>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

/// Bit id % 32 of word id / 32. Tokens beyond the last word are not allowed.
using TokenMask = std::vector<std::uint32_t>;

} // namespace tensorrt_llm::executor::embedded
