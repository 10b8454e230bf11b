// JSON Schema as XGrammar can hold to it.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

/// A schema whose bounded numbers are constants that stand for rules: XGrammar's own ranges are wrong.
struct PreparedSchema
{
    std::string schema;
    std::vector<std::pair<std::string, std::string>> rules; // the constant's text, and EBNF to put in its place
};

/// The same schema in the terms that XGrammar reads correctly. XGrammar ignores what it does not know, so a keyword
/// that would be ignored and could make an output invalid is refused here. Throws GrammarError.
[[nodiscard]] PreparedSchema prepareJsonSchema(std::string const& text);

} // namespace tensorrt_llm::executor::embedded
