// The part of TensorRT-LLM's executor API (release lines 1.0 to 1.2) that the embedded executor
// implements: same names, same argument order, same defaults. Where a constructor ends earlier than
// TensorRT-LLM's, the rest has setters there too. What is not declared is not supported.
#pragma once

#include "tensorrt_llm/executor/tensor.h"
#include "tensorrt_llm/executor/types.h"

#include <deque>
#include <filesystem>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tensorrt_llm::executor
{

char const* version() noexcept;

class Model;

/// Setters throw where a value is out of TensorRT-LLM's range. Unset top-k and top-p mean greedy.
class SamplingConfig
{
public:
    explicit SamplingConfig(SizeType32 beamWidth = 1);

    [[nodiscard]] SizeType32 getBeamWidth() const;
    /// Beams in a result: numReturnSequences where beamWidth is above 1 and it is set, else beamWidth.
    [[nodiscard]] SizeType32 getNumReturnBeams() const;
    [[nodiscard]] std::optional<FloatType> getBeamSearchDiversityRate() const;
    [[nodiscard]] std::optional<FloatType> getLengthPenalty() const;
    [[nodiscard]] std::optional<SizeType32> getEarlyStopping() const;
    [[nodiscard]] std::optional<SizeType32> getTopK() const;
    [[nodiscard]] std::optional<FloatType> getTopP() const;
    [[nodiscard]] std::optional<FloatType> getTopPMin() const;
    [[nodiscard]] std::optional<SizeType32> getTopPResetIds() const;
    [[nodiscard]] std::optional<FloatType> getTopPDecay() const;
    [[nodiscard]] std::optional<RandomSeedType> getSeed() const;
    [[nodiscard]] std::optional<FloatType> getTemperature() const;
    [[nodiscard]] std::optional<SizeType32> getMinTokens() const;
    [[nodiscard]] std::optional<FloatType> getRepetitionPenalty() const;
    [[nodiscard]] std::optional<FloatType> getPresencePenalty() const;
    [[nodiscard]] std::optional<FloatType> getFrequencyPenalty() const;
    [[nodiscard]] std::optional<SizeType32> getPromptIgnoreLength() const;
    [[nodiscard]] std::optional<SizeType32> getNoRepeatNgramSize() const;
    [[nodiscard]] std::optional<FloatType> getMinP() const;
    [[nodiscard]] std::optional<SizeType32> getNumReturnSequences() const;

    void setBeamSearchDiversityRate(std::optional<FloatType> const& beamSearchDiversityRate);
    void setLengthPenalty(std::optional<FloatType> const& lengthPenalty);
    void setEarlyStopping(std::optional<SizeType32> const& earlyStopping);
    void setTopK(std::optional<SizeType32> const& topK);
    void setTopP(std::optional<FloatType> const& topP);
    void setTopPMin(std::optional<FloatType> const& topPMin);
    void setTopPResetIds(std::optional<TokenIdType> const& topPResetIds);
    void setTopPDecay(std::optional<FloatType> const& topPDecay);
    void setSeed(std::optional<RandomSeedType> const& seed);
    void setTemperature(std::optional<FloatType> const& temperature);
    void setMinTokens(std::optional<SizeType32> const& minTokens);
    void setRepetitionPenalty(std::optional<FloatType> const& repetitionPenalty);
    void setPresencePenalty(std::optional<FloatType> const& presencePenalty);
    void setFrequencyPenalty(std::optional<FloatType> const& frequencyPenalty);
    void setPromptIgnoreLength(std::optional<SizeType32> const& promptIgnoreLength);
    void setNoRepeatNgramSize(std::optional<SizeType32> const& noRepeatNgramSize);
    void setMinP(std::optional<FloatType> const& minP);
    /// Answers to one prompt; answer i draws with seed + i. With beams: how many are returned, at most all.
    void setNumReturnSequences(std::optional<SizeType32> const& numReturnSequences);

private:
    SizeType32 mBeamWidth;
    std::optional<FloatType> mBeamSearchDiversityRate;
    std::optional<FloatType> mLengthPenalty;
    std::optional<SizeType32> mEarlyStopping;
    std::optional<SizeType32> mTopK;
    std::optional<FloatType> mTopP;
    std::optional<FloatType> mTopPMin;
    std::optional<TokenIdType> mTopPResetIds;
    std::optional<FloatType> mTopPDecay;
    std::optional<RandomSeedType> mSeed;
    std::optional<FloatType> mTemperature;
    std::optional<SizeType32> mMinTokens;
    std::optional<FloatType> mRepetitionPenalty;
    std::optional<FloatType> mPresencePenalty;
    std::optional<FloatType> mFrequencyPenalty;
    std::optional<SizeType32> mPromptIgnoreLength;
    std::optional<SizeType32> mNoRepeatNgramSize;
    std::optional<FloatType> mMinP;
    std::optional<SizeType32> mNumReturnSequences;
};

class OutputConfig
{
public:
    explicit OutputConfig(
        bool returnLogProbs = false, bool returnContextLogits = false, bool returnGenerationLogits = false);

    bool returnLogProbs;
    /// The whole prompt is computed then, whatever of it is in the KV cache.
    bool returnContextLogits;
    bool returnGenerationLogits;
    /// Only what is not streamed can include the prompt; streamed tokens are always new ones.
    bool excludeInputFromOutput{false};
    bool returnPerfMetrics{false};
};

using RetentionPriority = SizeType32;

struct RetentionPriorityAndDuration
{
    RetentionPriorityAndDuration(
        std::optional<RetentionPriority> const& retentionPriority, std::optional<MillisecondsType> const& durationMs);

    std::optional<RetentionPriority> retentionPriority;
    std::optional<MillisecondsType> durationMs;
};

/// How long blocks of a request are worth keeping once it has ended: the lowest priority is evicted first.
class KvCacheRetentionConfig
{
public:
    static constexpr RetentionPriority kMinRetentionPriority = 0;
    static constexpr RetentionPriority kMaxRetentionPriority = 100;
    static constexpr RetentionPriority kDefaultRetentionPriority = 35;

    /// A range of the prompt's tokens. Throws where it is empty, negative, or the priority is out of range.
    struct TokenRangeRetentionConfig
    {
        explicit TokenRangeRetentionConfig(SizeType32 tokenStart, std::optional<SizeType32> tokenEnd = std::nullopt,
            RetentionPriority priority = kDefaultRetentionPriority,
            std::optional<MillisecondsType> durationMs = std::nullopt);

        SizeType32 tokenStart;
        /// Exclusive; unset: to the end of the prompt.
        std::optional<SizeType32> tokenEnd;
        RetentionPriority priority;
        /// After it the priority is the default again. Unset: never.
        std::optional<MillisecondsType> durationMs;
    };

    explicit KvCacheRetentionConfig() = default;
    /// Throws where ranges overlap. The decode priority is that of blocks taken for the answer.
    explicit KvCacheRetentionConfig(std::vector<TokenRangeRetentionConfig> const& tokenRangeRetentionPriorities,
        RetentionPriority decodeRetentionPriority = kDefaultRetentionPriority,
        std::optional<MillisecondsType> decodeDurationMs = std::nullopt);

    [[nodiscard]] std::vector<TokenRangeRetentionConfig> getTokenRangeRetentionConfigs() const;
    [[nodiscard]] RetentionPriority getDecodeRetentionPriority() const;
    [[nodiscard]] std::optional<MillisecondsType> getDecodeDurationMs() const;
    /// For each block of a prompt: of the range in which its first token lies.
    [[nodiscard]] std::vector<RetentionPriorityAndDuration> getPerBlockRetentionPriorityDuration(
        SizeType32 blockSize, SizeType32 seqLen) const;

private:
    std::vector<TokenRangeRetentionConfig> mTokenRangeRetentionConfigs;
    RetentionPriority mDecodeRetentionPriority{kDefaultRetentionPriority};
    std::optional<MillisecondsType> mDecodeDurationMs;
};

/// What the answer must be a text of. The guide is a JSON schema, a regular expression that matches the whole answer,
/// or a grammar in XGrammar's EBNF whose root rule is "root"; kJSON has none.
class GuidedDecodingParams
{
public:
    enum class GuideType
    {
        kJSON = 0,
        kJSON_SCHEMA = 1,
        kREGEX = 2,
        kEBNF_GRAMMAR = 3,
    };

    /// Throws where a guide is missing or too much.
    explicit GuidedDecodingParams(GuideType guideType, std::optional<std::string> guide = std::nullopt);

    [[nodiscard]] GuideType getGuideType() const;
    [[nodiscard]] std::optional<std::string> getGuide() const;

private:
    GuideType mGuideType;
    std::optional<std::string> mGuide;
};

/// A LoRA adapter of a request. The first request of a task brings the weights; they are then cached under its id.
class LoraConfig
{
public:
    /// weights: [modules of all layers, widest of them], by rows: A, [rank, in], then B, [out, rank], which the scale
    /// is a part of, then zeros. config: kINT32, [the same, 3 or 4]: module id, layer, rank and whether it is DoRA's.
    /// Throws for config without weights, for other dimensions, and for tensors outside CPU memory.
    explicit LoraConfig(runtime::LoraTaskIdType taskId, std::optional<Tensor> weights = std::nullopt,
        std::optional<Tensor> config = std::nullopt);

    [[nodiscard]] runtime::LoraTaskIdType getTaskId() const;
    [[nodiscard]] std::optional<Tensor> getWeights() const;
    [[nodiscard]] std::optional<Tensor> getConfig() const;

private:
    runtime::LoraTaskIdType mTaskId;
    std::optional<Tensor> mWeights;
    std::optional<Tensor> mConfig;
};

/// The constructor throws on an empty prompt and on maxTokens below 1.
class Request
{
public:
    static constexpr PriorityType kDefaultPriority = 0.5;

    Request(VecTokens inputTokenIds, SizeType32 maxTokens, bool streaming = false,
        SamplingConfig const& samplingConfig = SamplingConfig(), OutputConfig const& outputConfig = OutputConfig(),
        std::optional<SizeType32> const& endId = std::nullopt);

    [[nodiscard]] VecTokens getInputTokenIds() const;
    [[nodiscard]] SizeType32 getMaxTokens() const;
    [[nodiscard]] bool getStreaming() const;
    [[nodiscard]] SamplingConfig getSamplingConfig() const;
    [[nodiscard]] OutputConfig getOutputConfig() const;
    [[nodiscard]] std::optional<SizeType32> getEndId() const;
    [[nodiscard]] std::optional<std::list<VecTokens>> getBadWords() const;
    [[nodiscard]] std::optional<std::list<VecTokens>> getStopWords() const;
    [[nodiscard]] std::optional<Tensor> getEmbeddingBias() const;
    [[nodiscard]] std::optional<LoraConfig> getLoraConfig() const;
    [[nodiscard]] std::optional<KvCacheRetentionConfig> getKvCacheRetentionConfig() const;
    [[nodiscard]] PriorityType getPriority() const;
    [[nodiscard]] std::optional<MillisecondsType> getAllottedTimeMs() const;
    [[nodiscard]] std::optional<CacheSaltIDType> getCacheSaltID() const;
    [[nodiscard]] std::optional<GuidedDecodingParams> getGuidedDecodingParams() const;

    void setStreaming(bool streaming);
    void setSamplingConfig(SamplingConfig const& config);
    void setOutputConfig(OutputConfig const& outputConfig);
    void setEndId(SizeType32 endId);
    void setBadWords(std::list<VecTokens> const& badWords);
    void setStopWords(std::list<VecTokens> const& stopWords);
    /// [vocabulary size] of kFP32, in CPU memory; throws for another. Added to the logits.
    void setEmbeddingBias(Tensor const& embeddingBias);
    void setLoraConfig(LoraConfig const& loraConfig);
    void setKvCacheRetentionConfig(KvCacheRetentionConfig const& kvCacheRetentionConfig);
    void setPriority(PriorityType priority);
    void setAllottedTimeMs(MillisecondsType allottedTimeMs);
    /// KV blocks are reused only among requests of the same salt.
    void setCacheSaltID(CacheSaltIDType cacheSaltID);
    /// Throws where the beam width is above 1.
    void setGuidedDecodingParams(GuidedDecodingParams const& guidedDecodingParams);

private:
    VecTokens mInputTokenIds;
    SizeType32 mMaxTokens;
    bool mStreaming;
    SamplingConfig mSamplingConfig;
    OutputConfig mOutputConfig;
    std::optional<SizeType32> mEndId;
    std::optional<std::list<VecTokens>> mBadWords;
    std::optional<std::list<VecTokens>> mStopWords;
    std::optional<Tensor> mEmbeddingBias;
    std::optional<LoraConfig> mLoraConfig;
    std::optional<KvCacheRetentionConfig> mKvCacheRetentionConfig;
    PriorityType mPriority{kDefaultPriority};
    std::optional<MillisecondsType> mAllottedTimeMs;
    std::optional<CacheSaltIDType> mCacheSaltID;
    std::optional<GuidedDecodingParams> mGuidedDecodingParams;
};

struct Result
{
    /// Whether this is the last response of the request.
    bool isFinal;
    /// Streaming: the tokens since the last response. Otherwise all of them.
    BeamTokens outputTokenIds;
    std::optional<VecLogProbs> cumLogProbs;
    /// [beam][token], of the tokens so far.
    std::optional<std::vector<VecLogProbs>> logProbs;
    /// [prompt tokens, vocabulary], with the first response of a request.
    std::optional<Tensor> contextLogits;
    /// Streaming: [1, rows, vocabulary], of the response's tokens. Otherwise [1, maxTokens, vocabulary]. 0 beyond the
    /// last token.
    std::optional<Tensor> generationLogits;
    std::vector<FinishReason> finishReasons;
    SizeType32 decodingIter{0};
    float avgDecodedTokensPerIter{0.0f};
    SizeType32 sequenceIndex{0};
    bool isSequenceFinal;
    std::optional<RequestPerfMetrics> requestPerfMetrics;
};

class Response
{
public:
    Response(IdType requestId, std::string errorMsg);
    Response(IdType requestId, Result result);

    [[nodiscard]] IdType getRequestId() const;
    [[nodiscard]] bool hasError() const;
    /// Throws where the response has a result.
    [[nodiscard]] std::string const& getErrorMsg() const;
    /// Throws where the response has an error.
    [[nodiscard]] Result const& getResult() const;

private:
    IdType mRequestId;
    std::variant<std::string, Result> mContent;
};

class SchedulerConfig
{
public:
    explicit SchedulerConfig(
        CapacitySchedulerPolicy capacitySchedulerPolicy = CapacitySchedulerPolicy::kGUARANTEED_NO_EVICT,
        std::optional<ContextChunkingPolicy> contextChunkingPolicy = std::nullopt);

    [[nodiscard]] CapacitySchedulerPolicy getCapacitySchedulerPolicy() const;
    [[nodiscard]] std::optional<ContextChunkingPolicy> getContextChunkingPolicy() const;

private:
    CapacitySchedulerPolicy mCapacitySchedulerPolicy;
    std::optional<ContextChunkingPolicy> mContextChunkingPolicy;
};

class KvCacheConfig
{
public:
    explicit KvCacheConfig(bool enableBlockReuse = true, std::optional<SizeType32> const& maxTokens = std::nullopt);

    [[nodiscard]] bool getEnableBlockReuse() const;
    [[nodiscard]] bool getEnablePartialReuse() const;
    [[nodiscard]] bool getCopyOnPartialReuse() const;
    [[nodiscard]] std::optional<SizeType32> getMaxTokens() const;
    [[nodiscard]] std::optional<FloatType> getFreeGpuMemoryFraction() const;
    [[nodiscard]] std::optional<std::size_t> getHostCacheSize() const;
    [[nodiscard]] bool getOnboardBlocks() const;
    [[nodiscard]] std::optional<RetentionPriority> getSecondaryOffloadMinPriority() const;
    [[nodiscard]] std::size_t getEventBufferMaxSize() const;

    void setEnableBlockReuse(bool enableBlockReuse);
    void setEnablePartialReuse(bool enablePartialReuse);
    void setCopyOnPartialReuse(bool copyOnPartialReuse);
    void setMaxTokens(std::optional<SizeType32> maxTokens);
    /// Above 0 and below 1. On a CPU: of the memory that is free when the engine is loaded.
    void setFreeGpuMemoryFraction(FloatType freeGpuMemoryFraction);
    void setHostCacheSize(std::size_t hostCacheSize);
    void setOnboardBlocks(bool onboardBlocks);
    void setSecondaryOffloadMinPriority(std::optional<RetentionPriority> secondaryOffloadMinPriority);
    void setEventBufferMaxSize(std::size_t eventBufferMaxSize);

private:
    bool mEnableBlockReuse;
    std::optional<SizeType32> mMaxTokens;
    std::optional<FloatType> mFreeGpuMemoryFraction;
    std::optional<std::size_t> mHostCacheSize;
    bool mOnboardBlocks{true};
    std::optional<RetentionPriority> mSecondaryOffloadMinPriority;
    std::size_t mEventBufferMaxSize{0};
    bool mEnablePartialReuse{true};
    bool mCopyOnPartialReuse{true};
};

/// encodedVocab: the text of every token by id, empty where it has none; as the tokenizer writes it where
/// tokenizerStr (a Hugging Face tokenizer.json) says how to decode that, else plain bytes.
class GuidedDecodingConfig
{
public:
    enum class GuidedDecodingBackend
    {
        kXGRAMMAR = 0,
    };

    explicit GuidedDecodingConfig(GuidedDecodingBackend backend,
        std::optional<std::vector<std::string>> encodedVocab = std::nullopt,
        std::optional<std::string> tokenizerStr = std::nullopt,
        std::optional<std::vector<TokenIdType>> stopTokenIds = std::nullopt);

    [[nodiscard]] GuidedDecodingBackend getBackend() const;
    [[nodiscard]] std::optional<std::vector<std::string>> getEncodedVocab() const;
    [[nodiscard]] std::optional<std::string> getTokenizerStr() const;
    [[nodiscard]] std::optional<std::vector<TokenIdType>> getStopTokenIds() const;

    /// Throws without an encodedVocab.
    void validate() const;

private:
    GuidedDecodingBackend mBackend;
    std::optional<std::vector<std::string>> mEncodedVocab;
    std::optional<std::string> mTokenizerStr;
    std::optional<std::vector<TokenIdType>> mStopTokenIds;
};

/// Where adapters are kept. The embedded executor has one cache, in the memory it computes in, which knows of
/// maxAdapterSize and hostCacheSize; it refuses the other fields where they differ from their defaults.
class PeftCacheConfig
{
public:
    static constexpr SizeType32 kDefaultOptimalAdapterSize = 8;
    static constexpr SizeType32 kDefaultMaxAdapterSize = 64;
    static constexpr SizeType32 kDefaultMaxPagesPerBlockHost = 24;
    static constexpr SizeType32 kDefaultMaxPagesPerBlockDevice = 8;

    /// maxAdapterSize: highest rank. hostCacheSize: bytes.
    explicit PeftCacheConfig(SizeType32 numHostModuleLayer = 0, SizeType32 numDeviceModuleLayer = 0,
        SizeType32 optimalAdapterSize = kDefaultOptimalAdapterSize, SizeType32 maxAdapterSize = kDefaultMaxAdapterSize,
        SizeType32 numPutWorkers = 1, SizeType32 numEnsureWorkers = 1, SizeType32 numCopyStreams = 1,
        SizeType32 maxPagesPerBlockHost = kDefaultMaxPagesPerBlockHost,
        SizeType32 maxPagesPerBlockDevice = kDefaultMaxPagesPerBlockDevice,
        std::optional<float> const& deviceCachePercent = std::nullopt,
        std::optional<std::size_t> const& hostCacheSize = std::nullopt);

    bool operator==(PeftCacheConfig const& other) const;

    [[nodiscard]] SizeType32 getMaxAdapterSize() const;
    [[nodiscard]] std::optional<std::size_t> getHostCacheSize() const;

private:
    SizeType32 mNumHostModuleLayer;
    SizeType32 mNumDeviceModuleLayer;
    SizeType32 mOptimalAdapterSize;
    SizeType32 mMaxAdapterSize;
    SizeType32 mNumPutWorkers;
    SizeType32 mNumEnsureWorkers;
    SizeType32 mNumCopyStreams;
    SizeType32 mMaxPagesPerBlockHost;
    SizeType32 mMaxPagesPerBlockDevice;
    std::optional<FloatType> mDeviceCachePercent;
    std::optional<std::size_t> mHostCacheSize;
};

class ExecutorConfig
{
public:
    static constexpr SizeType32 kDefaultIterStatsMaxIterations = 1000;
    static constexpr SizeType32 kDefaultRequestStatsMaxIterations = 0;

    explicit ExecutorConfig(SizeType32 maxBeamWidth = 1, SchedulerConfig schedulerConfig = SchedulerConfig(),
        KvCacheConfig kvCacheConfig = KvCacheConfig());

    [[nodiscard]] SizeType32 getMaxBeamWidth() const;
    [[nodiscard]] SchedulerConfig getSchedulerConfig() const;
    [[nodiscard]] KvCacheConfig getKvCacheConfig() const;
    [[nodiscard]] bool getEnableChunkedContext() const;
    [[nodiscard]] SizeType32 getIterStatsMaxIterations() const;
    [[nodiscard]] SizeType32 getRequestStatsMaxIterations() const;
    [[nodiscard]] std::optional<SizeType32> getMaxBatchSize() const;
    [[nodiscard]] std::optional<SizeType32> getMaxNumTokens() const;
    [[nodiscard]] std::optional<PeftCacheConfig> getPeftCacheConfig() const;
    [[nodiscard]] std::optional<SizeType32> getMaxQueueSize() const;
    [[nodiscard]] bool getGatherGenerationLogits() const;
    [[nodiscard]] std::optional<GuidedDecodingConfig> getGuidedDecodingConfig() const;

    void setMaxBeamWidth(SizeType32 maxBeamWidth);
    void setSchedulerConfig(SchedulerConfig const& schedulerConfig);
    void setKvCacheConfig(KvCacheConfig const& kvCacheConfig);
    void setEnableChunkedContext(bool enableChunkedContext);
    void setIterStatsMaxIterations(SizeType32 iterStatsMaxIterations);
    void setRequestStatsMaxIterations(SizeType32 requestStatsMaxIterations);
    void setMaxBatchSize(SizeType32 maxBatchSize);
    void setMaxNumTokens(SizeType32 maxNumTokens);
    void setPeftCacheConfig(PeftCacheConfig const& peftCacheConfig);
    void setMaxQueueSize(std::optional<SizeType32> const& maxQueueSize);
    /// Requests may ask for generation logits.
    void setGatherGenerationLogits(bool gatherGenerationLogits);
    void setGuidedDecodingConfig(GuidedDecodingConfig const& guidedDecodingConfig);

private:
    SizeType32 mMaxBeamWidth;
    SchedulerConfig mSchedulerConfig;
    KvCacheConfig mKvCacheConfig;
    bool mEnableChunkedContext{true};
    SizeType32 mIterStatsMaxIterations{kDefaultIterStatsMaxIterations};
    SizeType32 mRequestStatsMaxIterations{kDefaultRequestStatsMaxIterations};
    std::optional<SizeType32> mMaxBatchSize;
    std::optional<SizeType32> mMaxNumTokens;
    std::optional<PeftCacheConfig> mPeftCacheConfig;
    std::optional<SizeType32> mMaxQueueSize;
    bool mGatherGenerationLogits{false};
    std::optional<GuidedDecodingConfig> mGuidedDecodingConfig;
};

struct KVCacheCreatedData
{
    /// Primary, host.
    std::vector<SizeType32> numBlocksPerCacheLevel;
};

struct KVCacheStoredBlockData
{
    KVCacheStoredBlockData(IdType blockHash, runtime::VecUniqueTokens tokens,
        std::optional<runtime::LoraTaskIdType> loraId, SizeType32 cacheLevel, SizeType32 priority);

    IdType blockHash;
    runtime::VecUniqueTokens tokens;
    std::optional<runtime::LoraTaskIdType> loraId;
    SizeType32 cacheLevel;
    SizeType32 priority;
};

struct KVCacheStoredData
{
    /// Of the first block; unset: it begins a sequence. Each other block's parent is the one before it.
    std::optional<IdType> parentHash;
    std::vector<KVCacheStoredBlockData> blocks;
};

struct KVCacheRemovedData
{
    std::vector<IdType> blockHashes;
};

template <typename T>
struct KVCacheEventDiff
{
    T oldValue;
    T newValue;
};

struct KVCacheUpdatedData
{
    explicit KVCacheUpdatedData(IdType blockHash);

    KVCacheUpdatedData& cacheLevelUpdated(SizeType32 oldValue, SizeType32 newValue);
    KVCacheUpdatedData& priorityUpdated(SizeType32 oldValue, SizeType32 newValue);

    IdType blockHash;
    std::optional<KVCacheEventDiff<SizeType32>> cacheLevel;
    std::optional<KVCacheEventDiff<SizeType32>> priority;
};

using KVCacheEventData
    = std::variant<KVCacheCreatedData, KVCacheStoredData, KVCacheRemovedData, KVCacheUpdatedData>;

struct KVCacheEvent
{
    KVCacheEvent(IdType eventId, KVCacheEventData data, SizeType32 windowSize);

    /// Counts from 0; a gap says that older events were dropped.
    IdType eventId;
    KVCacheEventData data;
    /// Most tokens of a sequence.
    SizeType32 windowSize;
};

namespace embedded
{
class KvCacheEvents;
} // namespace embedded

/// May be used from any thread, also after its executor has been destroyed.
class KVCacheEventManager
{
public:
    explicit KVCacheEventManager(std::shared_ptr<embedded::KvCacheEvents> events);

    /// Drains; oldest first. Waits for the first event until the timeout, without one until there are events or
    /// the executor has been shut down. Empty at once where eventBufferMaxSize is 0.
    std::deque<KVCacheEvent> getLatestEvents(std::optional<std::chrono::milliseconds> timeout = std::nullopt);

private:
    std::shared_ptr<embedded::KvCacheEvents> mEvents;
};

/// Every method may be called from any thread, but enqueueRequest only from one at a time.
class Executor
{
public:
    /// modelPath: a GGUF file, or an engine directory with one. Throws where it cannot be loaded.
    Executor(std::filesystem::path const& modelPath, ModelType modelType, ExecutorConfig const& executorConfig);
    Executor(std::shared_ptr<Model> model, ExecutorConfig const& executorConfig);
    ~Executor();
    Executor(Executor const&) = delete;
    Executor& operator=(Executor const&) = delete;

    /// Ids count from 1. Throws after shutdown and when the queue is full.
    [[nodiscard]] IdType enqueueRequest(Request const& request);
    /// Every ready response; waits for the first of them until the timeout, for ever without one.
    [[nodiscard]] std::vector<Response> awaitResponses(
        std::optional<std::chrono::milliseconds> const& timeout = std::nullopt);
    /// Asynchronous: a final response with kCANCELLED and no tokens follows. Unknown ids are ignored.
    void cancelRequest(IdType requestId);
    /// Blocks until running requests have ended. Also run by the destructor.
    void shutdown();
    /// Drains; oldest first.
    std::deque<IterationStats> getLatestIterationStats();
    /// Drains; oldest first. Empty where requestStatsMaxIterations is 0.
    std::deque<RequestStatsPerIteration> getLatestRequestStats();
    [[nodiscard]] std::optional<std::shared_ptr<KVCacheEventManager>> getKVCacheEventManager() const;

private:
    class Impl;
    std::unique_ptr<Impl> mImpl;
};

class JsonSerialization
{
public:
    [[nodiscard]] static std::string toJsonStr(IterationStats const& iterationStats);
    [[nodiscard]] static std::string toJsonStr(RequestStatsPerIteration const& requestStatsPerIter);
};

} // namespace tensorrt_llm::executor
