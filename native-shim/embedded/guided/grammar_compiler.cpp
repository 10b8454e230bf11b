#include "guided/grammar_compiler.h"

#include "guided/json_schema.h"
#include "guided/regex.h"
#include "guided/work_limit.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace tensorrt_llm::executor::embedded
{

namespace
{

using namespace std::chrono_literals;
using GuideType = GuidedDecodingParams::GuideType;

constexpr auto kTimeLimit = 10s;
constexpr int kMaxDepth = 128;

xgrammar::TokenizerInfo tokenizerInfo(GuidedDecodingConfig const& config, SizeType32 vocabularySize)
{
    config.validate();
    auto const vocabulary = config.getEncodedVocab();
    if (config.getTokenizerStr())
    {
        auto const metadata = xgrammar::TokenizerInfo::DetectMetadataFromHF(*config.getTokenizerStr());
        auto const detected = xgrammar::TokenizerInfo::FromVocabAndMetadata(*vocabulary, metadata);
        return {*vocabulary, detected.GetVocabType(), vocabularySize, config.getStopTokenIds(),
            detected.GetAddPrefixSpace()};
    }
    return {*vocabulary, xgrammar::VocabType::RAW, vocabularySize, config.getStopTokenIds()};
}

/// XGrammar prints é as \xe9, but reads as many hexadecimal digits as follow \x.
std::string withFixedEscapes(std::string const& ebnf)
{
    std::string result;
    for (std::size_t at = 0; at < ebnf.size(); ++at)
    {
        result += ebnf[at];
        if (ebnf[at] == '\\' && at + 1 < ebnf.size())
        {
            ++at;
            result += ebnf[at] == 'x' ? "u00" : std::string(1, ebnf[at]);
        }
    }
    return result;
}

xgrammar::Grammar schemaGrammar(std::string const& text)
{
    auto const prepared = prepareJsonSchema(text);
    auto const grammar = xgrammar::Grammar::FromJSONSchema(prepared.schema);
    if (prepared.rules.empty())
    {
        return grammar;
    }
    auto ebnf = withFixedEscapes(grammar.ToString());
    for (std::size_t i = 0; i < prepared.rules.size(); ++i)
    {
        auto const constant = "\"\\\"" + prepared.rules[i].first + "\\\"\"";
        auto const rule = "number_range_" + std::to_string(i);
        for (auto at = ebnf.find(constant); at != std::string::npos; at = ebnf.find(constant, at))
        {
            ebnf.replace(at, constant.size(), rule);
        }
        ebnf += rule + " ::= " + prepared.rules[i].second + "\n";
    }
    return xgrammar::Grammar::FromEBNF(ebnf);
}

/// XGrammar's parsers recurse at every opening bracket, also where they do not check their depth.
void checkSize(std::string const& guide)
{
    if (guide.size() > GrammarCompiler::kMaxGuideBytes)
    {
        throw GrammarError("the grammar has " + std::to_string(guide.size()) + " bytes; at most "
            + std::to_string(GrammarCompiler::kMaxGuideBytes) + " are possible");
    }
    int depth = 0;
    for (auto const character : guide)
    {
        depth += character == '(' ? 1 : character == ')' ? -1 : 0;
        if (depth > kMaxDepth)
        {
            throw GrammarError("the grammar nests brackets deeper than " + std::to_string(kMaxDepth) + " levels");
        }
        depth = std::max(depth, 0);
    }
}

} // namespace

GrammarCompiler::GrammarCompiler(GuidedDecodingConfig const& config, SizeType32 vocabularySize)
    : mCompiler(tokenizerInfo(config, vocabularySize), 1, false)
{
}

xgrammar::CompiledGrammar GrammarCompiler::compile(
    GuidedDecodingParams const& params, std::atomic<bool> const& stop)
{
    auto key = std::to_string(static_cast<int>(params.getGuideType())) + params.getGuide().value_or("");
    auto const known = std::find_if(mCache.begin(), mCache.end(), [&](Entry const& entry) { return entry.key == key; });
    if (known != mCache.end())
    {
        mCache.splice(mCache.begin(), mCache, known);
        return known->grammar;
    }

    WorkLimit limit(kTimeLimit, stop);
    auto const grammar = build(params);
    if (!limit.warning().empty())
    {
        throw GrammarError(limit.warning());
    }
    auto const bytes = grammar.MemorySizeBytes() + key.size();
    mCache.push_front({std::move(key), grammar, bytes});
    mCacheBytes += bytes;
    while (mCacheBytes > kMaxCacheBytes)
    {
        mCacheBytes -= mCache.back().bytes;
        mCache.pop_back();
    }
    return grammar;
}

xgrammar::CompiledGrammar GrammarCompiler::build(GuidedDecodingParams const& params)
{
    auto const guide = params.getGuide().value_or("");
    checkSize(guide);
    try
    {
        switch (params.getGuideType())
        {
        case GuideType::kJSON: return mCompiler.CompileBuiltinJSONGrammar();
        case GuideType::kJSON_SCHEMA: return mCompiler.CompileGrammar(schemaGrammar(guide));
        case GuideType::kREGEX:
            return mCompiler.CompileGrammar(xgrammar::Grammar::FromRegex(rewriteRegex(guide)));
        case GuideType::kEBNF_GRAMMAR: return mCompiler.CompileGrammar(xgrammar::Grammar::FromEBNF(guide));
        }
    }
    catch (GrammarError const&)
    {
        throw;
    }
    catch (std::exception const& error)
    {
        throw GrammarError(error.what());
    }
    throw GrammarError("the guide's type is unknown");
}

} // namespace tensorrt_llm::executor::embedded
