#include "tensorrt_llm/executor/executor.h"

#include <stdexcept>
#include <utility>

namespace tensorrt_llm::executor
{

GuidedDecodingParams::GuidedDecodingParams(GuideType guideType, std::optional<std::string> guide)
    : mGuideType(guideType)
    , mGuide(std::move(guide))
{
    if (mGuide.has_value() == (guideType == GuideType::kJSON))
    {
        throw std::invalid_argument(
            mGuide ? "guided decoding by kJSON takes no guide" : "guided decoding needs a guide with this guide type");
    }
}

GuidedDecodingParams::GuideType GuidedDecodingParams::getGuideType() const
{
    return mGuideType;
}

std::optional<std::string> GuidedDecodingParams::getGuide() const
{
    return mGuide;
}

GuidedDecodingConfig::GuidedDecodingConfig(GuidedDecodingBackend backend,
    std::optional<std::vector<std::string>> encodedVocab, std::optional<std::string> tokenizerStr,
    std::optional<std::vector<TokenIdType>> stopTokenIds)
    : mBackend(backend)
    , mEncodedVocab(std::move(encodedVocab))
    , mTokenizerStr(std::move(tokenizerStr))
    , mStopTokenIds(std::move(stopTokenIds))
{
    validate();
}

GuidedDecodingConfig::GuidedDecodingBackend GuidedDecodingConfig::getBackend() const
{
    return mBackend;
}

std::optional<std::vector<std::string>> GuidedDecodingConfig::getEncodedVocab() const
{
    return mEncodedVocab;
}

std::optional<std::string> GuidedDecodingConfig::getTokenizerStr() const
{
    return mTokenizerStr;
}

std::optional<std::vector<TokenIdType>> GuidedDecodingConfig::getStopTokenIds() const
{
    return mStopTokenIds;
}

void GuidedDecodingConfig::validate() const
{
    if (!mEncodedVocab || mEncodedVocab->empty())
    {
        throw std::invalid_argument("guided decoding by XGrammar needs the vocabulary (encodedVocab)");
    }
}

} // namespace tensorrt_llm::executor
