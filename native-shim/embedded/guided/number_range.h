// EBNF for the decimal numbers between two bounds.
#pragma once

#include <optional>
#include <string>

namespace tensorrt_llm::executor::embedded
{

/// Bounds are inclusive, written without an exponent, such as "-12.5"; without one the range is open there. A number
/// is written without an exponent, where `integers` also without a fraction. Throws GrammarError for an empty range.
[[nodiscard]] std::string numberRange(
    std::optional<std::string> const& least, std::optional<std::string> const& most, bool integers);

} // namespace tensorrt_llm::executor::embedded
