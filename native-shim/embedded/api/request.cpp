#include "tensorrt_llm/executor/executor.h"

#include <stdexcept>
#include <utility>

namespace tensorrt_llm::executor
{

OutputConfig::OutputConfig(bool logProbs, bool contextLogits, bool generationLogits)
    : returnLogProbs(logProbs)
    , returnContextLogits(contextLogits)
    , returnGenerationLogits(generationLogits)
{
}

Request::Request(VecTokens inputTokenIds, SizeType32 maxTokens, bool streaming, SamplingConfig const& samplingConfig,
    OutputConfig const& outputConfig, std::optional<SizeType32> const& endId)
    : mInputTokenIds(std::move(inputTokenIds))
    , mMaxTokens(maxTokens)
    , mStreaming(streaming)
    , mSamplingConfig(samplingConfig)
    , mOutputConfig(outputConfig)
    , mEndId(endId)
{
    if (mInputTokenIds.empty())
    {
        throw std::invalid_argument("the prompt is empty; it needs at least one token");
    }
    if (maxTokens <= 0)
    {
        throw std::invalid_argument("maxTokens is " + std::to_string(maxTokens) + "; it must be at least 1");
    }
}

VecTokens Request::getInputTokenIds() const
{
    return mInputTokenIds;
}

SizeType32 Request::getMaxTokens() const
{
    return mMaxTokens;
}

bool Request::getStreaming() const
{
    return mStreaming;
}

SamplingConfig Request::getSamplingConfig() const
{
    return mSamplingConfig;
}

OutputConfig Request::getOutputConfig() const
{
    return mOutputConfig;
}

std::optional<SizeType32> Request::getEndId() const
{
    return mEndId;
}

std::optional<std::list<VecTokens>> Request::getBadWords() const
{
    return mBadWords;
}

std::optional<std::list<VecTokens>> Request::getStopWords() const
{
    return mStopWords;
}

std::optional<Tensor> Request::getEmbeddingBias() const
{
    return mEmbeddingBias;
}

std::optional<KvCacheRetentionConfig> Request::getKvCacheRetentionConfig() const
{
    return mKvCacheRetentionConfig;
}

std::optional<CacheSaltIDType> Request::getCacheSaltID() const
{
    return mCacheSaltID;
}

PriorityType Request::getPriority() const
{
    return mPriority;
}

std::optional<MillisecondsType> Request::getAllottedTimeMs() const
{
    return mAllottedTimeMs;
}

void Request::setStreaming(bool streaming)
{
    mStreaming = streaming;
}

void Request::setSamplingConfig(SamplingConfig const& config)
{
    mSamplingConfig = config;
}

void Request::setOutputConfig(OutputConfig const& outputConfig)
{
    mOutputConfig = outputConfig;
}

void Request::setEndId(SizeType32 endId)
{
    mEndId = endId;
}

void Request::setBadWords(std::list<VecTokens> const& badWords)
{
    mBadWords = badWords;
}

void Request::setStopWords(std::list<VecTokens> const& stopWords)
{
    mStopWords = stopWords;
}

void Request::setEmbeddingBias(Tensor const& embeddingBias)
{
    if (!embeddingBias || embeddingBias.getShape().size() != 1 || embeddingBias.getDataType() != DataType::kFP32)
    {
        throw std::invalid_argument("the embedding bias must have one dimension, the vocabulary, and hold floats");
    }
    mEmbeddingBias = embeddingBias;
}

std::optional<LoraConfig> Request::getLoraConfig() const
{
    return mLoraConfig;
}

void Request::setLoraConfig(LoraConfig const& loraConfig)
{
    mLoraConfig = loraConfig;
}

void Request::setKvCacheRetentionConfig(KvCacheRetentionConfig const& kvCacheRetentionConfig)
{
    mKvCacheRetentionConfig = kvCacheRetentionConfig;
}

void Request::setCacheSaltID(CacheSaltIDType cacheSaltID)
{
    mCacheSaltID = cacheSaltID;
}

void Request::setPriority(PriorityType priority)
{
    mPriority = priority;
}

void Request::setAllottedTimeMs(MillisecondsType allottedTimeMs)
{
    mAllottedTimeMs = allottedTimeMs;
}

std::optional<GuidedDecodingParams> Request::getGuidedDecodingParams() const
{
    return mGuidedDecodingParams;
}

void Request::setGuidedDecodingParams(GuidedDecodingParams const& guidedDecodingParams)
{
    if (mSamplingConfig.getBeamWidth() > 1)
    {
        throw std::invalid_argument("guided decoding is not possible with beam search: beamWidth is "
            + std::to_string(mSamplingConfig.getBeamWidth()));
    }
    mGuidedDecodingParams = guidedDecodingParams;
}

} // namespace tensorrt_llm::executor
