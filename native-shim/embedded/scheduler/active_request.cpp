#include "scheduler/active_request.h"

#include <algorithm>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

namespace
{

std::optional<runtime::LoraTaskIdType> loraTaskId(Request const& request)
{
    auto const lora = request.getLoraConfig();
    return lora ? std::optional(lora->getTaskId()) : std::nullopt;
}

float tokensPerIteration(SizeType32 tokens, SizeType32 iterations)
{
    return iterations == 0 ? 0.f : static_cast<float>(tokens) / static_cast<float>(iterations);
}

} // namespace

ActiveSequence::ActiveSequence(SizeType32 sequenceIndex, IncomingRequest const& incoming)
    : index(sequenceIndex)
    , tokens(incoming.request.getInputTokenIds())
    , sampler(incoming.request, sequenceIndex)
    , guided(incoming.guided.empty() ? nullptr : incoming.guided.at(static_cast<std::size_t>(sequenceIndex)))
{
}

SizeType32 ActiveSequence::length() const
{
    return static_cast<SizeType32>(tokens.size());
}

SizeType32 ActiveSequence::generated(SizeType32 promptLength) const
{
    return length() - promptLength;
}

SizeType32 ActiveSequence::drafted() const
{
    return proposal.empty() ? 0 : static_cast<SizeType32>(proposal.size()) - 1;
}

bool ActiveSequence::hasKv() const
{
    return phase == Phase::kCONTEXT || phase == Phase::kGENERATION;
}

ActiveRequest::ActiveRequest(IncomingRequest const& from, LoraCache::Adapter loraAdapter)
    : id(from.id)
    , promptLength(static_cast<SizeType32>(from.request.getInputTokenIds().size()))
    , maxTokens(from.request.getMaxTokens())
    , numSequences(embedded::numSequences(from.request))
    , streaming(from.request.getStreaming())
    , priority(from.request.getPriority())
    , output(from.request.getOutputConfig())
    , endId(from.request.getEndId())
    , stopWords(from.request.getStopWords().value_or(std::list<VecTokens>{}))
    , allottedTime(from.request.getAllottedTimeMs())
    , domain{from.request.getCacheSaltID(), loraTaskId(from.request)}
    , lora(std::move(loraAdapter))
    , retention(from.request.getKvCacheRetentionConfig().value_or(KvCacheRetentionConfig()))
    , incoming(from)
{
    sequences.reserve(static_cast<std::size_t>(numSequences)); // references to them stay valid when it forks
    sequences.emplace_back(0, from);
    if (from.request.getSamplingConfig().getBeamWidth() > 1)
    {
        beams.emplace(from.request);
    }
    metrics.timingMetrics.arrivalTime = from.arrival;
}

bool ActiveRequest::isForked() const
{
    return static_cast<SizeType32>(sequences.size()) == numSequences;
}

bool ActiveRequest::isFinished() const
{
    return unfinishedSequences() == 0;
}

SizeType32 ActiveRequest::unfinishedSequences() const
{
    auto const finished = std::count_if(sequences.begin(), sequences.end(),
        [](ActiveSequence const& each) { return each.phase == ActiveSequence::Phase::kFINISHED; });
    return numSequences - static_cast<SizeType32>(finished);
}

RequestStats statsOf(ActiveRequest const& request)
{
    RequestStats stats{};
    SizeType32 iterations = 0; // of all sequences together
    stats.id = request.id;
    for (auto const& sequence : request.sequences)
    {
        stats.numGeneratedTokens += sequence.generated(request.promptLength);
        iterations += sequence.decodingIterations;
        stats.scheduled = stats.scheduled || sequence.isScheduled;
        stats.paused = stats.paused || sequence.isPaused;
    }
    stats.stage = request.isFinished() ? RequestStage::kGENERATION_COMPLETE
        : stats.numGeneratedTokens > 0 ? RequestStage::kGENERATION_IN_PROGRESS
                                       : RequestStage::kCONTEXT_IN_PROGRESS;
    stats.contextPrefillPosition = std::min(request.sequences.front().computed, request.promptLength);
    stats.avgNumDecodedTokensPerIter = tokensPerIteration(stats.numGeneratedTokens, iterations);
    auto const& kv = request.metrics.kvCacheMetrics;
    stats.allocTotalBlocksPerRequest = kv.numTotalAllocatedBlocks;
    stats.allocNewBlocksPerRequest = kv.numNewAllocatedBlocks;
    stats.reusedBlocksPerRequest = kv.numReusedBlocks;
    stats.missedBlocksPerRequest = kv.numMissedBlocks;
    stats.kvCacheHitRatePerRequest = kv.kvCacheHitRate;
    return stats;
}

SizeType32 numSequences(Request const& request)
{
    auto const sampling = request.getSamplingConfig();
    return sampling.getBeamWidth() > 1 ? sampling.getBeamWidth() : sampling.getNumReturnSequences().value_or(1);
}

SizeType32 blocksToCompletion(Request const& request, SizeType32 tokensPerBlock)
{
    auto const prompt = static_cast<SizeType32>(request.getInputTokenIds().size());
    auto const whole = (prompt + request.getMaxTokens() + tokensPerBlock - 1) / tokensPerBlock;
    auto const shared = prompt / tokensPerBlock;
    return whole + (numSequences(request) - 1) * (whole - shared);
}

bool ActiveRequest::gathersContext() const
{
    return output.returnContextLogits && contextRows < promptLength;
}

void ActiveRequest::gatherContext(float const* logits, SizeType32 vocabularySize)
{
    if (!contextLogits)
    {
        contextLogits = Tensor::cpu<float>({promptLength, vocabularySize});
    }
    auto* const rows = static_cast<float*>(contextLogits->getData());
    std::copy_n(logits, vocabularySize, rows + static_cast<std::ptrdiff_t>(contextRows++) * vocabularySize);
}

void gatherGeneration(ActiveRequest const& request, ActiveSequence& sequence, float const* logits,
    SizeType32 vocabularySize, SizeType32 index, SizeType32 atMost)
{
    auto const rows = request.streaming ? atMost : request.maxTokens;
    if (!sequence.generationLogits)
    {
        sequence.generationLogits = Tensor::cpu<float>({1, rows, vocabularySize});
    }
    auto const row = request.streaming ? index : sequence.generated(request.promptLength) - 1;
    auto* const first = static_cast<float*>(sequence.generationLogits->getData());
    std::copy_n(logits, vocabularySize, first + static_cast<std::ptrdiff_t>(row) * vocabularySize);
}

Response makeBeamResponse(ActiveRequest& request, FinishReason reason)
{
    Result result{};
    result.isFinal = true;
    result.isSequenceFinal = true;
    auto answers = request.beams->search().answers(reason);
    auto const returned = static_cast<std::size_t>(request.incoming.request.getSamplingConfig().getNumReturnBeams());
    answers.erase(answers.begin() + static_cast<std::ptrdiff_t>(std::min(returned, answers.size())), answers.end());
    if (request.output.returnLogProbs)
    {
        result.logProbs.emplace();
        result.cumLogProbs.emplace();
    }
    auto const begin = request.output.excludeInputFromOutput ? request.promptLength : 0;
    for (auto const& [beam, score, ending] : answers)
    {
        bool const cancelled = reason == FinishReason::kCANCELLED;
        result.outputTokenIds.emplace_back(cancelled ? beam.tokens.end() : beam.tokens.begin() + begin, beam.tokens.end());
        result.finishReasons.push_back(cancelled ? reason : ending);
        if (request.output.returnLogProbs)
        {
            result.logProbs->push_back(cancelled ? VecLogProbs{} : beam.logProbs);
            result.cumLogProbs->push_back(static_cast<float>(beam.cumLogProb));
        }
        auto const generated = static_cast<SizeType32>(beam.tokens.size()) - request.promptLength;
        result.decodingIter = std::max(result.decodingIter, generated);
    }
    result.avgDecodedTokensPerIter = 1.f;
    if (!request.gathersContext())
    {
        result.contextLogits = std::exchange(request.contextLogits, std::nullopt);
    }
    if (request.output.returnPerfMetrics)
    {
        result.requestPerfMetrics = request.metrics;
    }
    return {request.id, std::move(result)};
}

Response makeResponse(ActiveRequest& request, ActiveSequence& sequence, VecTokens tokens, FinishReason reason)
{
    bool const isLast = reason != FinishReason::kNOT_FINISHED;
    Result result{};
    result.isSequenceFinal = isLast;
    result.isFinal = isLast && request.isFinished();
    result.sequenceIndex = sequence.index;
    result.outputTokenIds = {std::move(tokens)};
    result.finishReasons = {reason};
    result.decodingIter = sequence.decodingIterations;
    result.avgDecodedTokensPerIter
        = tokensPerIteration(sequence.generated(request.promptLength), sequence.decodingIterations);
    if (request.output.returnLogProbs)
    {
        result.logProbs = std::vector<VecLogProbs>{sequence.logProbs};
        result.cumLogProbs = VecLogProbs{sequence.cumLogProb};
    }
    if (!request.gathersContext())
    {
        result.contextLogits = std::exchange(request.contextLogits, std::nullopt);
    }
    result.generationLogits = std::exchange(sequence.generationLogits, std::nullopt);
    if (isLast && request.output.returnPerfMetrics)
    {
        result.requestPerfMetrics = request.metrics;
    }
    return {request.id, std::move(result)};
}

} // namespace tensorrt_llm::executor::embedded
