#include "response_records.h"

#include <algorithm>
#include <chrono>
#include <string_view>

namespace trtllm_shim
{

namespace
{

namespace tle = tensorrt_llm::executor;

/// 0 for a point that was never reached, which is how TensorRT-LLM leaves it.
std::uint64_t nanoseconds(tle::RequestPerfMetrics::TimePoint time)
{
    auto const count = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0));
}

std::uint32_t blocks(tle::SizeType32 count)
{
    return static_cast<std::uint32_t>(std::max(count, 0));
}

trtllm_final finalFacts(tle::Result const& result)
{
    trtllm_final facts{};
    if (result.requestPerfMetrics)
    {
        auto const& times = result.requestPerfMetrics->timingMetrics;
        facts.arrival_ns = nanoseconds(times.arrivalTime);
        facts.first_scheduled_ns = nanoseconds(times.firstScheduledTime);
        facts.first_token_ns = nanoseconds(times.firstTokenTime);
        facts.last_token_ns = nanoseconds(times.lastTokenTime);
        auto const& kv = result.requestPerfMetrics->kvCacheMetrics;
        facts.kv_blocks_allocated = blocks(kv.numTotalAllocatedBlocks);
        facts.kv_blocks_new = blocks(kv.numNewAllocatedBlocks);
        facts.kv_blocks_reused = blocks(kv.numReusedBlocks);
        facts.kv_blocks_missed = blocks(kv.numMissedBlocks);
    }
    return facts;
}

/// TensorRT-LLM has no error type for what is wrong with the request itself, such as its grammar; this is its text.
trtllm_status errorStatus(std::string_view message)
{
    constexpr std::string_view ofRequest = "Encountered an error when fetching new request:";
    return message.substr(0, ofRequest.size()) == ofRequest ? TRTLLM_ERR_INVALID_ARGUMENT : TRTLLM_ERR_EXECUTOR;
}

} // namespace

bool appendResponse(
    RecordQueue::Batch& batch, tle::Response const& response, ResponseLogProbs const& logProbs)
{
    auto const id = response.getRequestId();
    if (response.hasError())
    {
        batch.error(id, errorStatus(response.getErrorMsg()), response.getErrorMsg());
        return true;
    }
    auto const& result = response.getResult();
    auto const sequence = static_cast<std::uint32_t>(std::max(result.sequenceIndex, 0));
    if (!logProbs.prompt.chosen.empty())
    {
        batch.promptLogProbs(id, logProbs.prompt);
        if (logProbs.prompt.alternatives > 0)
        {
            batch.topLogProbs(id, 0, logProbs.prompt, true);
        }
    }
    if (!result.outputTokenIds.empty() && !result.outputTokenIds.front().empty())
    {
        auto const& tokens = result.outputTokenIds.front();
        auto const& generation = logProbs.generation;
        if (generation.alternatives > 0)
        {
            batch.topLogProbs(id, sequence, generation, false);
        }
        batch.tokens(id, sequence, tokens.data(), generation.chosen.empty() ? nullptr : generation.chosen.data(),
            static_cast<std::uint32_t>(tokens.size()));
    }
    if (!result.isFinal)
    {
        return false;
    }
    if (result.finishReasons.empty() || result.finishReasons.front() == tle::FinishReason::kNOT_FINISHED)
    {
        batch.error(id, TRTLLM_ERR_EXECUTOR, "The executor ended the request without a finish reason.");
        return true;
    }
    batch.final(id, sequence, static_cast<std::uint8_t>(result.finishReasons.front()), finalFacts(result));
    return true;
}

} // namespace trtllm_shim
