// Regular expressions as ECMA-262 means them, rewritten into the smaller language that XGrammar reads correctly:
// classes hold ASCII or everything beyond it, "." leaves line ends out, \S means what it says. White space and line
// ends are those of ASCII.
#pragma once

#include <string>

namespace tensorrt_llm::executor::embedded
{

/// A text that matches the whole expression. Throws GrammarError on what is malformed or has no regular meaning here
/// (anchors and word boundaries in the middle, look-around, back-references, flags, Unicode properties).
[[nodiscard]] std::string rewriteRegex(std::string const& regex);

/// What lies between the quotes of a JSON string whose value matches: quotes, backslashes and control characters
/// are escaped.
[[nodiscard]] std::string rewriteRegexInJsonString(std::string const& regex);

} // namespace tensorrt_llm::executor::embedded
