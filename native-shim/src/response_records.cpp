#include "response_records.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string_view>
#include <vector>

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

std::uint32_t natural(tle::SizeType32 count)
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
        facts.kv_blocks_allocated = natural(kv.numTotalAllocatedBlocks);
        facts.kv_blocks_new = natural(kv.numNewAllocatedBlocks);
        facts.kv_blocks_reused = natural(kv.numReusedBlocks);
        facts.kv_blocks_missed = natural(kv.numMissedBlocks);
        auto const& drafts = result.requestPerfMetrics->speculativeDecoding;
        facts.draft_tokens = natural(drafts.totalDraftTokens);
        facts.accepted_draft_tokens = natural(drafts.totalAcceptedDraftTokens);
    }
    return facts;
}

/// TensorRT-LLM has no error type for what is wrong with the request itself, such as its grammar; this is its text.
trtllm_status errorStatus(std::string_view message)
{
    constexpr std::string_view ofRequest = "Encountered an error when fetching new request:";
    return message.substr(0, ofRequest.size()) == ofRequest ? TRTLLM_ERR_INVALID_ARGUMENT : TRTLLM_ERR_EXECUTOR;
}

void appendPrompt(RecordQueue::Batch& batch, std::uint64_t id, LogProbs const& prompt)
{
    if (prompt.chosen.empty())
    {
        return;
    }
    batch.promptLogProbs(id, prompt);
    if (prompt.alternatives > 0)
    {
        batch.topLogProbs(id, 0, prompt, true);
    }
}

void appendTokens(RecordQueue::Batch& batch, std::uint64_t id, std::uint32_t sequence, tle::VecTokens const& tokens,
    std::vector<float> const& logProbs)
{
    if (!tokens.empty())
    {
        batch.tokens(id, sequence, tokens.data(), logProbs.empty() ? nullptr : logProbs.data(),
            static_cast<std::uint32_t>(tokens.size()));
    }
}

tle::FinishReason reasonOf(tle::Result const& result, std::size_t sequence)
{
    auto const& reasons = result.finishReasons;
    return sequence < reasons.size() ? reasons[sequence] : tle::FinishReason::kNOT_FINISHED;
}

float cumulativeLogProb(tle::Result const& result, std::size_t sequence)
{
    return result.cumLogProbs && sequence < result.cumLogProbs->size() ? result.cumLogProbs->at(sequence)
                                                                       : std::nanf("");
}

/// The one response of a beam search holds all beams, best first. Returns the first one's reason.
tle::FinishReason appendBeams(RecordQueue::Batch& batch, std::uint64_t id, tle::Result const& result,
    AnswerOptions const& options)
{
    auto const count
        = std::min(result.outputTokenIds.size(), static_cast<std::size_t>(options.sequences.returned));
    auto first = reasonOf(result, 0);
    for (std::size_t beam = 0; beam < count; ++beam)
    {
        auto const& tokens = result.outputTokenIds[beam];
        auto reason = reasonOf(result, beam);
        if (reason == tle::FinishReason::kNOT_FINISHED) // TensorRT-LLM promises reasons for one beam only
        {
            reason = tokens.size() < static_cast<std::size_t>(options.maxTokens) ? tle::FinishReason::kEND_ID
                                                                                : tle::FinishReason::kLENGTH;
        }
        first = beam == 0 ? reason : first;
        auto const sequence = static_cast<std::uint32_t>(beam);
        appendTokens(batch, id, sequence, tokens,
            options.logProbs.chosen ? givenLogProbs(result, beam, tokens.size()) : std::vector<float>{});
        batch.sequenceEnd(id, sequence, static_cast<std::uint8_t>(reason), cumulativeLogProb(result, beam));
    }
    return first;
}

/// New tokens of one sequence. Returns its reason where this is its end.
tle::FinishReason appendSequence(RecordQueue::Batch& batch, std::uint64_t id, tle::Result const& result,
    LogProbs const& logProbs, AnswerOptions const& options)
{
    auto const sequence = static_cast<std::uint32_t>(std::max(result.sequenceIndex, 0));
    if (!result.outputTokenIds.empty() && !result.outputTokenIds.front().empty())
    {
        if (logProbs.alternatives > 0)
        {
            batch.topLogProbs(id, sequence, logProbs, false);
        }
        appendTokens(batch, id, sequence, result.outputTokenIds.front(), logProbs.chosen);
    }
    auto const reason = reasonOf(result, 0);
    if (options.sequences.areSeveral() && result.isSequenceFinal && reason != tle::FinishReason::kNOT_FINISHED)
    {
        batch.sequenceEnd(id, sequence, static_cast<std::uint8_t>(reason), cumulativeLogProb(result, 0));
    }
    return reason;
}

} // namespace

bool appendResponse(RecordQueue::Batch& batch, tle::Response const& response, ResponseLogProbs const& logProbs,
    AnswerOptions const& options)
{
    auto const id = response.getRequestId();
    if (response.hasError())
    {
        batch.error(id, errorStatus(response.getErrorMsg()), response.getErrorMsg());
        return true;
    }
    auto const& result = response.getResult();
    appendPrompt(batch, id, logProbs.prompt);
    auto const reason = options.sequences.areBeams ? appendBeams(batch, id, result, options)
                                                   : appendSequence(batch, id, result, logProbs.generation, options);
    if (!result.isFinal)
    {
        return false;
    }
    if (reason == tle::FinishReason::kNOT_FINISHED)
    {
        batch.error(id, TRTLLM_ERR_EXECUTOR, "The executor ended the request without a finish reason.");
        return true;
    }
    auto const sequence = static_cast<std::uint32_t>(std::max(result.sequenceIndex, 0));
    batch.final(id, sequence, static_cast<std::uint8_t>(reason), finalFacts(result));
    return true;
}

} // namespace trtllm_shim
