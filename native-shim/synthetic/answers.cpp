#include "answers.h"

#include "sequences.h"

#include <algorithm>
#include <utility>

namespace synthetic
{

using namespace tensorrt_llm::executor;

namespace
{

Result result(Active const& active, VecTokens tokens)
{
    Result value{};
    value.outputTokenIds.push_back(std::move(tokens));
    value.finishReasons.push_back(FinishReason::kNOT_FINISHED);
    if (active.request.getOutputConfig().returnLogProbs)
    {
        value.logProbs = {active.logProbs};
    }
    return value;
}

void finish(std::vector<Response>& responses, IdType id, Result value, FinishReason reason, Active const& active)
{
    value.isFinal = true;
    value.isSequenceFinal = true;
    value.finishReasons = {reason};
    value.requestPerfMetrics = metricsOf(active);
    responses.emplace_back(id, std::move(value));
}

/// The next tokens of a request; the log-probability of each is minus its index.
VecTokens invent(Active& active, Script const& script, std::int32_t count)
{
    if (active.generated == 0)
    {
        active.firstToken = Clock::now();
    }
    VecTokens tokens(static_cast<std::size_t>(count));
    for (auto& token : tokens)
    {
        token = static_cast<TokenIdType>((std::int64_t{active.kind} + ++active.generated) % script.vocabularySize);
        if (active.request.getOutputConfig().returnLogProbs)
        {
            active.logProbs.push_back(-static_cast<float>(active.generated));
        }
    }
    return tokens;
}

/// A row for each token, in which it has 2, the next one 1 and all others 0.
Tensor logitsOf(VecTokens const& tokens, std::vector<Shape::DimType64> const& shape)
{
    auto logits = Tensor::cpu(DataType::kFP32, {shape.data(), shape.size()});
    auto const width = static_cast<std::size_t>(shape.back());
    auto* row = static_cast<float*>(logits.getData());
    for (auto const token : tokens)
    {
        row[static_cast<std::size_t>(token)] = 2.0f;
        row[(static_cast<std::size_t>(token) + 1) % width] = 1.0f;
        row += width;
    }
    return logits;
}

/// With the first response those of the prompt, of which each row has 2 for the token that follows.
void addLogits(Active const& active, Script const& script, Result& value)
{
    auto const output = active.request.getOutputConfig();
    auto const width = Shape::DimType64{script.vocabularySize};
    auto const tokens = value.outputTokenIds.empty() ? VecTokens{} : value.outputTokenIds.front();
    if (output.returnGenerationLogits && !tokens.empty())
    {
        value.generationLogits = logitsOf(tokens, {static_cast<Shape::DimType64>(tokens.size()), 1, width});
    }
    if (output.returnContextLogits && active.generated == static_cast<SizeType32>(tokens.size()))
    {
        auto next = active.request.getInputTokenIds();
        auto const rows = static_cast<Shape::DimType64>(next.size());
        next.erase(next.begin());
        value.contextLogits = logitsOf(next, {rows, width});
    }
}

bool oddShapes(IdType id, Active const& active, std::vector<Response>& responses)
{
    Result value{};
    value.sequenceIndex = -7;
    responses.emplace_back(id, value); // no sequence
    value.outputTokenIds = {{}};
    value.logProbs = std::vector<VecLogProbs>{};
    responses.emplace_back(id, value); // an empty sequence
    value.outputTokenIds = {{1, 2, 3}, {4}};
    value.logProbs = std::vector<VecLogProbs>{{-0.5f}};
    responses.emplace_back(id, value); // fewer log-probs than tokens, and a second sequence
    value.isFinal = true;
    value.outputTokenIds = {};
    value.finishReasons = {FinishReason::kEND_ID};
    value.requestPerfMetrics = RequestPerfMetrics{};
    value.requestPerfMetrics->timingMetrics.arrivalTime = Clock::time_point(std::chrono::seconds(-5));
    value.requestPerfMetrics->timingMetrics.firstTokenTime = Clock::time_point::min();
    value.requestPerfMetrics->timingMetrics.lastTokenTime = active.arrival;
    value.requestPerfMetrics->kvCacheMetrics.numTotalAllocatedBlocks = -1;
    responses.emplace_back(id, value);
    return false;
}

VecTokens lora(Request const& request)
{
    auto const config = request.getLoraConfig();
    if (!config)
    {
        return {-1};
    }
    auto const weights = config->getWeights()->getShape();
    return {static_cast<TokenIdType>(config->getTaskId()), static_cast<TokenIdType>(weights[0]),
        static_cast<TokenIdType>(weights[1])};
}

/// What the request holds, as tokens: -1 where a value is absent, fractions in thousandths.
VecTokens parameters(Request const& request)
{
    auto const milli = [](std::optional<float> const& value)
    { return value ? static_cast<TokenIdType>(*value * 1000.0f + (*value < 0.0f ? -0.5f : 0.5f)) : -1; };
    auto const sampling = request.getSamplingConfig();
    auto const output = request.getOutputConfig();
    VecTokens facts{request.getStreaming(), output.returnPerfMetrics, output.excludeInputFromOutput,
        output.returnLogProbs, sampling.getTopK().value_or(-1), milli(sampling.getTopP()),
        milli(sampling.getTemperature()), milli(sampling.getMinP()), milli(sampling.getRepetitionPenalty()),
        milli(sampling.getPresencePenalty()), milli(sampling.getFrequencyPenalty()),
        static_cast<TokenIdType>(sampling.getSeed().value_or(-1)), sampling.getMinTokens().value_or(-1),
        request.getEndId().value_or(-1), milli(request.getPriority()),
        request.getAllottedTimeMs() ? static_cast<TokenIdType>(request.getAllottedTimeMs()->count()) : -1,
        milli(sampling.getTopPMin()), milli(sampling.getTopPDecay()), sampling.getTopPResetIds().value_or(-1),
        sampling.getPromptIgnoreLength().value_or(-1), sampling.getNoRepeatNgramSize().value_or(-1)};
    if (sampling.getNumReturnSequences() || sampling.getBeamWidth() > 1)
    {
        facts.insert(facts.end(),
            {sampling.getNumReturnSequences().value_or(-1), sampling.getBeamWidth(), milli(sampling.getLengthPenalty()),
                milli(sampling.getBeamSearchDiversityRate()), sampling.getEarlyStopping().value_or(-1)});
    }
    for (auto const& words : {request.getStopWords(), request.getBadWords()})
    {
        facts.push_back(words ? static_cast<TokenIdType>(words->size()) : -1);
        for (auto const& word : words.value_or(std::list<VecTokens>{}))
        {
            facts.push_back(static_cast<TokenIdType>(word.size()));
            facts.insert(facts.end(), word.begin(), word.end());
        }
    }
    if (auto const bias = request.getEmbeddingBias())
    {
        auto const* const values = static_cast<float const*>(bias->getData());
        for (std::size_t token = 0; token < bias->getSize(); ++token)
        {
            if (values[token] != 0.0f)
            {
                facts.push_back(static_cast<TokenIdType>(token));
                facts.push_back(milli(values[token]));
            }
        }
    }
    return facts;
}

} // namespace

RequestPerfMetrics metricsOf(Active const& active)
{
    RequestPerfMetrics metrics;
    metrics.timingMetrics.arrivalTime = active.arrival;
    metrics.timingMetrics.firstScheduledTime = active.arrival;
    metrics.timingMetrics.firstTokenTime = active.firstToken;
    metrics.timingMetrics.lastTokenTime = active.generated > 0 ? Clock::now() : Clock::time_point{};
    metrics.kvCacheMetrics = {4, 3, 1, 2, 0.25f};
    metrics.speculativeDecoding = {0.5f, 3, 6};
    return metrics;
}

bool advance(IdType id, Active& active, Script const& script, std::vector<Response>& responses)
{
    if (active.cancelled && active.kind != kDEAF)
    {
        if (active.several)
        {
            cancelSeveral(id, active, responses);
            return false;
        }
        finish(responses, id, result(active, {}), FinishReason::kCANCELLED, active);
        return false;
    }
    if (active.request.getGuidedDecodingParams())
    {
        responses.emplace_back(id,
            std::string("Encountered an error when fetching new request: guided decoding needs a GuidedDecodingConfig; "
                        "this executor's tokens are made up"));
        return false;
    }
    switch (active.kind)
    {
    case kEMPTY_FINAL:
    case kNO_REASON:
    {
        Result bare{};
        bare.isFinal = true;
        if (active.kind == kEMPTY_FINAL)
        {
            bare.finishReasons = {FinishReason::kTIMED_OUT};
        }
        responses.emplace_back(id, bare);
        return false;
    }
    case kERROR:
        responses.emplace_back(id, result(active, invent(active, script, 1)));
        responses.emplace_back(id, std::string("Encountered an error in forwardAsync function: made up"));
        return false;
    case kODD_SHAPES: return oddShapes(id, active, responses);
    case kTOKENS_IN_FINAL:
    {
        auto tokens = invent(active, script, active.request.getMaxTokens());
        finish(responses, id, result(active, std::move(tokens)), FinishReason::kLENGTH, active);
        return false;
    }
    case kTALKS_ON:
        finish(responses, id, result(active, invent(active, script, 1)), FinishReason::kEND_ID, active);
        responses.emplace_back(id, result(active, invent(active, script, 1)));
        finish(responses, id, result(active, {}), FinishReason::kLENGTH, active);
        responses.emplace_back(id, std::string("too late"));
        return false;
    case kSTRANGER:
        responses.emplace_back(id + 1'000'000, result(active, {1}));
        responses.emplace_back(id + 1'000'000, std::string("nobody asked"));
        break;
    case kLORA:
        finish(responses, id, result(active, lora(active.request)), FinishReason::kSTOP_WORDS, active);
        return false;
    case kPARAMETERS:
        finish(responses, id, result(active, parameters(active.request)), FinishReason::kSTOP_WORDS, active);
        return false;
    case kSEGFAULT: strike(Fault::kSEGFAULT);
    case kABORT: strike(Fault::kABORT);
    case kEXIT: strike(Fault::kEXIT);
    case kHANG: strike(Fault::kHANG);
    default: break;
    }
    if (active.several)
    {
        return advanceSeveral(id, active, script, responses);
    }
    auto const endless = active.kind == kENDLESS || active.kind == kDEAF;
    auto const left = active.request.getMaxTokens() - active.generated;
    if (left == 0 && !endless) // kNO_FINAL has said all it says
    {
        return true;
    }
    auto const count = endless ? script.tokensPerResponse : std::min(script.tokensPerResponse, left);
    auto value = result(active, invent(active, script, count));
    addLogits(active, script, value);
    if (count == left && !endless && active.kind != kNO_FINAL)
    {
        finish(responses, id, std::move(value), FinishReason::kLENGTH, active);
        return false;
    }
    responses.emplace_back(id, std::move(value));
    return true;
}

} // namespace synthetic
