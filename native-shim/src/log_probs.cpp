#include "log_probs.h"

#include "scan.h"
#include "status.h"

#include <algorithm>
#include <cmath>

namespace trtllm_shim
{

namespace
{

namespace tle = tensorrt_llm::executor;

/// Rows of logits in a tensor whose last dimension is the vocabulary with its padding.
struct Rows
{
    float const* data;
    std::size_t count;
    std::size_t stride;
};

Rows rowsOf(tle::Tensor const& tensor, std::int32_t vocabularySize)
{
    bool const inMemory = tensor.getMemoryType() == tle::MemoryType::kCPU
        || tensor.getMemoryType() == tle::MemoryType::kCPU_PINNED
        || tensor.getMemoryType() == tle::MemoryType::kCPU_PINNEDPOOL;
    auto const shape = tensor.getShape();
    // TensorRT-LLM's of a request that was cancelled while it streamed; there is nothing behind it.
    if (std::any_of(shape.begin(), shape.end(), [](auto dimension) { return dimension < 0; }))
    {
        return {nullptr, 0, 1};
    }
    auto const stride = shape.size() == 0 ? 0 : static_cast<std::size_t>(*(shape.begin() + (shape.size() - 1)));
    if (!inMemory || tensor.getDataType() != tle::DataType::kFP32 || stride < static_cast<std::size_t>(vocabularySize))
    {
        throw StatusError(TRTLLM_ERR_UNSUPPORTED,
            "Log-probabilities need logits of the whole vocabulary as 32-bit floats in CPU memory; this engine returns "
            "others.");
    }
    return {static_cast<float const*>(tensor.getData()), tensor.getSize() / stride, stride};
}

/// Appends what one row says about a token.
class Reader
{
public:
    Reader(LogProbs& target, std::int32_t alternatives, std::int32_t vocabularySize)
        : mTarget(target)
        , mAlternatives(static_cast<std::size_t>(alternatives))
        , mSize(static_cast<std::size_t>(vocabularySize))
    {
        target.alternatives = alternatives;
    }

    void skip()
    {
        mTarget.chosen.push_back(std::nanf(""));
        mTarget.ids.resize(mTarget.chosen.size() * mAlternatives, -1);
        mTarget.values.resize(mTarget.chosen.size() * mAlternatives, std::nanf(""));
    }

    void read(float const* row, std::int32_t token)
    {
        auto const best = logits::blockMaxima(row, mSize, mMaxima);
        auto const sum = best + std::log(logits::sumExp(row, mSize, best, 1.0f));
        mTarget.chosen.push_back(static_cast<float>(row[token] - sum));
        logits::selectTop(row, mSize, mMaxima, mAlternatives, mTop);
        std::sort(mTop.begin(), mTop.end(), logits::before);
        for (auto const& [id, logit] : mTop)
        {
            mTarget.ids.push_back(id);
            mTarget.values.push_back(static_cast<float>(logit - sum));
        }
        mTarget.ids.resize(mTarget.chosen.size() * mAlternatives, -1);
        mTarget.values.resize(mTarget.chosen.size() * mAlternatives, std::nanf(""));
    }

private:
    LogProbs& mTarget;
    std::size_t mAlternatives;
    std::size_t mSize;
    std::vector<float> mMaxima;
    std::vector<logits::Entry> mTop;
};

} // namespace

std::vector<float> givenLogProbs(tle::Result const& result, std::size_t sequence, std::size_t count)
{
    if (!result.logProbs || result.logProbs->size() <= sequence || result.logProbs->at(sequence).size() < count)
    {
        return {};
    }
    auto const& all = result.logProbs->at(sequence); // of all tokens so far
    return {all.end() - static_cast<std::ptrdiff_t>(count), all.end()};
}

LogProbs generationLogProbs(tle::Result const& result, LogProbOptions const& options)
{
    LogProbs logProbs;
    if (!options.chosen || result.outputTokenIds.empty())
    {
        return logProbs;
    }
    auto const& tokens = result.outputTokenIds.front();
    if (options.alternatives == 0)
    {
        logProbs.chosen = givenLogProbs(result, 0, tokens.size());
        return logProbs;
    }
    if (!result.generationLogits || tokens.empty())
    {
        return logProbs;
    }
    auto const rows = rowsOf(*result.generationLogits, options.vocabularySize);
    if (rows.count < tokens.size())
    {
        return logProbs;
    }
    Reader reader(logProbs, options.alternatives, options.vocabularySize);
    for (std::size_t i = 0; i < tokens.size(); ++i)
    {
        reader.read(rows.data + i * rows.stride, tokens[i]);
    }
    return logProbs;
}

LogProbs promptLogProbs(tle::Result const& result, LogProbOptions const& options)
{
    LogProbs logProbs;
    if (!options.prompt || !result.contextLogits)
    {
        return logProbs;
    }
    auto const& tokens = *options.promptTokens;
    auto const rows = rowsOf(*result.contextLogits, options.vocabularySize);
    if (rows.count < tokens.size())
    {
        return logProbs;
    }
    Reader reader(logProbs, options.alternatives, options.vocabularySize);
    reader.skip();
    for (std::size_t i = 1; i < tokens.size(); ++i)
    {
        reader.read(rows.data + (i - 1) * rows.stride, tokens[i]);
    }
    return logProbs;
}

} // namespace trtllm_shim
