#include "sequences.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace synthetic
{

using namespace tensorrt_llm::executor;

namespace
{

bool areBeams(Request const& request)
{
    return request.getSamplingConfig().getBeamWidth() > 1;
}

SizeType32 countOf(Request const& request)
{
    auto const sampling = request.getSamplingConfig();
    return areBeams(request) ? sampling.getNumReturnBeams() : sampling.getNumReturnSequences().value_or(1);
}

SizeType32 lengthOf(Active const& active, SizeType32 sequence)
{
    bool const endless = active.kind == kENDLESS || active.kind == kDEAF;
    return endless ? std::numeric_limits<SizeType32>::max()
                   : std::max(active.request.getMaxTokens() - sequence, 1);
}

VecTokens tokensOf(
    Active const& active, Script const& script, SizeType32 sequence, SizeType32 begin, SizeType32 end)
{
    VecTokens tokens;
    for (auto place = begin; place < end; ++place)
    {
        tokens.push_back(static_cast<TokenIdType>(
            (std::int64_t{active.kind} + sequence + place + 1) % script.vocabularySize));
    }
    return tokens;
}

VecLogProbs logProbsOf(SizeType32 tokens)
{
    VecLogProbs logProbs;
    for (SizeType32 place = 1; place <= tokens; ++place)
    {
        logProbs.push_back(-static_cast<float>(place));
    }
    return logProbs;
}

float sumOfLogProbs(SizeType32 tokens)
{
    return -static_cast<float>(tokens) * static_cast<float>(tokens + 1) / 2.0f;
}

FinishReason reasonOf(SizeType32 sequence)
{
    return sequence == 0 ? FinishReason::kLENGTH : FinishReason::kEND_ID;
}

Result beams(Active const& active, Script const& script)
{
    Result value{};
    value.isFinal = true;
    value.isSequenceFinal = true;
    value.logProbs.emplace();
    value.cumLogProbs.emplace();
    for (SizeType32 beam = 0; beam < countOf(active.request); ++beam)
    {
        auto const length = lengthOf(active, beam);
        value.outputTokenIds.push_back(tokensOf(active, script, beam, 0, length));
        value.finishReasons.push_back(reasonOf(beam));
        value.logProbs->push_back(logProbsOf(length));
        value.cumLogProbs->push_back(sumOfLogProbs(length));
    }
    value.requestPerfMetrics = metricsOf(active);
    return value;
}

} // namespace

bool wantsSeveral(Request const& request)
{
    return areBeams(request) || countOf(request) > 1;
}

bool advanceSeveral(IdType id, Active& active, Script const& script, std::vector<Response>& responses)
{
    auto const begin = active.generated;
    auto const longest = lengthOf(active, 0);
    active.firstToken = begin == 0 ? Clock::now() : active.firstToken;
    active.generated += std::min(script.tokensPerResponse, longest - begin);
    bool const ended = active.generated == longest;
    if (areBeams(active.request))
    {
        if (ended)
        {
            responses.emplace_back(id, beams(active, script));
        }
        return !ended;
    }
    for (auto sequence = countOf(active.request); sequence-- > 0;) // the longest last
    {
        auto const length = lengthOf(active, sequence);
        if (begin >= length)
        {
            continue;
        }
        auto const end = std::min(active.generated, length);
        Result value{};
        value.sequenceIndex = sequence;
        value.outputTokenIds.push_back(tokensOf(active, script, sequence, begin, end));
        value.isSequenceFinal = end == length;
        value.finishReasons.push_back(value.isSequenceFinal ? reasonOf(sequence) : FinishReason::kNOT_FINISHED);
        value.isFinal = value.isSequenceFinal && sequence == 0;
        if (active.request.getOutputConfig().returnLogProbs)
        {
            value.logProbs = {logProbsOf(end)};
            value.cumLogProbs = {sumOfLogProbs(end)};
        }
        if (value.isFinal)
        {
            value.requestPerfMetrics = metricsOf(active);
        }
        responses.emplace_back(id, std::move(value));
    }
    return !ended;
}

void cancelSeveral(IdType id, Active const& active, std::vector<Response>& responses)
{
    for (auto sequence = areBeams(active.request) ? 1 : countOf(active.request); sequence-- > 0;)
    {
        if (active.generated >= lengthOf(active, sequence))
        {
            continue;
        }
        Result value{};
        value.sequenceIndex = sequence;
        value.outputTokenIds = {{}};
        value.isSequenceFinal = true;
        value.finishReasons = {FinishReason::kCANCELLED};
        value.isFinal = sequence == 0;
        if (value.isFinal)
        {
            value.requestPerfMetrics = metricsOf(active);
        }
        responses.emplace_back(id, std::move(value));
    }
}

} // namespace synthetic
