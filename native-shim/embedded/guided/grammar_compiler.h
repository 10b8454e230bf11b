// Grammars in the form that masks are computed from.
#pragma once

#include "tensorrt_llm/executor/executor.h"

#include <atomic>
#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <xgrammar/xgrammar.h>

namespace tensorrt_llm::executor::embedded
{

/// Keeps what it compiled, the least recently used leaving first. For one thread.
class GrammarCompiler
{
public:
    static constexpr std::size_t kMaxGuideBytes = 256 * 1024;
    static constexpr std::size_t kMaxCacheBytes = 64 * 1024 * 1024;

    /// vocabularySize: of the model's logits, which may be padded.
    GrammarCompiler(GuidedDecodingConfig const& config, SizeType32 vocabularySize);

    /// Throws GrammarError where the guide is wrong, unsupported or too costly, and when `stop` turns true.
    [[nodiscard]] xgrammar::CompiledGrammar compile(GuidedDecodingParams const& params, std::atomic<bool> const& stop);

private:
    struct Entry
    {
        std::string key;
        xgrammar::CompiledGrammar grammar;
        std::size_t bytes;
    };

    [[nodiscard]] xgrammar::CompiledGrammar build(GuidedDecodingParams const& params);

    xgrammar::GrammarCompiler mCompiler;
    std::list<Entry> mCache; // most recently used first
    std::size_t mCacheBytes{0};
};

} // namespace tensorrt_llm::executor::embedded
