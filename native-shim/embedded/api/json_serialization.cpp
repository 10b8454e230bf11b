#include "tensorrt_llm/executor/executor.h"

#include <nlohmann/json.hpp>

namespace tensorrt_llm::executor
{

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(KvCacheStats, maxNumBlocks, freeNumBlocks, usedNumBlocks, tokensPerBlock,
    allocTotalBlocks, allocNewBlocks, reusedBlocks, missedBlocks, cacheHitRate)

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(InflightBatchingStats, numScheduledRequests, numContextRequests, numGenRequests,
    numPausedRequests, numCtxTokens, microBatchId, avgNumDecodedTokensPerIter)

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SpecDecodingStats, numDraftTokens, numAcceptedTokens, numRequestsWithDraftTokens,
    acceptanceLength, iterLatencyMS, draftOverhead)

NLOHMANN_JSON_SERIALIZE_ENUM(RequestStage,
    {{RequestStage::kQUEUED, "QUEUED"}, {RequestStage::kCONTEXT_IN_PROGRESS, "CONTEXT_IN_PROGRESS"},
        {RequestStage::kGENERATION_IN_PROGRESS, "GENERATION_IN_PROGRESS"},
        {RequestStage::kGENERATION_COMPLETE, "GENERATION_COMPLETE"}})

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(RequestStats, id, stage, contextPrefillPosition, numGeneratedTokens,
    avgNumDecodedTokensPerIter, scheduled, paused, allocTotalBlocksPerRequest, allocNewBlocksPerRequest,
    reusedBlocksPerRequest, missedBlocksPerRequest, kvCacheHitRatePerRequest)

std::string JsonSerialization::toJsonStr(RequestStatsPerIteration const& stats)
{
    return nlohmann::json({{"iter", stats.iter}, {"requestStats", stats.requestStats}}).dump();
}

std::string JsonSerialization::toJsonStr(IterationStats const& stats)
{
    nlohmann::json json = {{"timestamp", stats.timestamp}, {"iter", stats.iter}, {"iterLatencyMS", stats.iterLatencyMS},
        {"newActiveRequestsQueueLatencyMS", stats.newActiveRequestsQueueLatencyMS},
        {"numNewActiveRequests", stats.numNewActiveRequests}, {"numActiveRequests", stats.numActiveRequests},
        {"numQueuedRequests", stats.numQueuedRequests}, {"numCompletedRequests", stats.numCompletedRequests},
        {"maxNumActiveRequests", stats.maxNumActiveRequests}, {"maxBatchSizeStatic", stats.maxBatchSizeStatic},
        {"maxBatchSizeTunerRecommended", stats.maxBatchSizeTunerRecommended},
        {"maxBatchSizeRuntime", stats.maxBatchSizeRuntime}, {"maxNumTokensStatic", stats.maxNumTokensStatic},
        {"maxNumTokensTunerRecommended", stats.maxNumTokensTunerRecommended},
        {"maxNumTokensRuntime", stats.maxNumTokensRuntime}, {"gpuMemUsage", stats.gpuMemUsage},
        {"cpuMemUsage", stats.cpuMemUsage}, {"pinnedMemUsage", stats.pinnedMemUsage}};
    if (stats.kvCacheStats)
    {
        json["kvCacheStats"] = *stats.kvCacheStats;
    }
    if (stats.inflightBatchingStats)
    {
        json["inflightBatchingStats"] = *stats.inflightBatchingStats;
    }
    if (stats.specDecodingStats)
    {
        json["specDecodingStats"] = *stats.specDecodingStats;
    }
    return json.dump();
}

} // namespace tensorrt_llm::executor
