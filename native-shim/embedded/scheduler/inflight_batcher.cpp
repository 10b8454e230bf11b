#include "scheduler/inflight_batcher.h"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

namespace
{

/// Whether the sequence ends with a word, which may begin in the prompt.
bool endsWith(VecTokens const& prompt, VecTokens const& generated, VecTokens const& word)
{
    auto const inAnswer = std::min(word.size(), generated.size());
    auto const inPrompt = word.size() - inAnswer;
    return !word.empty() && inPrompt <= prompt.size()
        && std::equal(word.rbegin(), word.rbegin() + static_cast<std::ptrdiff_t>(inAnswer), generated.rbegin())
        && std::equal(word.rbegin() + static_cast<std::ptrdiff_t>(inAnswer), word.rend(), prompt.rbegin());
}

} // namespace

InflightBatcher::ActiveRequest::ActiveRequest(IncomingRequest const& incoming, Slot atSlot)
    : id(incoming.id)
    , prompt(incoming.request.getInputTokenIds())
    , maxTokens(incoming.request.getMaxTokens())
    , streaming(incoming.request.getStreaming())
    , output(incoming.request.getOutputConfig())
    , endId(incoming.request.getEndId())
    , stopWords(incoming.request.getStopWords().value_or(std::list<VecTokens>{}))
    , allottedTime(incoming.request.getAllottedTimeMs())
    , slot(atSlot)
    , sampler(incoming.request)
{
    metrics.timingMetrics.arrivalTime = incoming.arrival;
}

bool InflightBatcher::ActiveRequest::generating() const
{
    return computed == static_cast<SizeType32>(prompt.size());
}

InflightBatcher::InflightBatcher(ModelRunner& runner, Limits const& limits)
    : mRunner(runner)
    , mLimits(limits)
    , mKvCache(runner.slots(), limits.kvBlocks, limits.tokensPerBlock, limits.enableBlockReuse)
{
}

SizeType32 InflightBatcher::activeRequests() const
{
    return static_cast<SizeType32>(mActive.size());
}

KvCacheStats InflightBatcher::kvCacheStats() const
{
    return mKvCache.stats();
}

bool InflightBatcher::tryAdmit(IncomingRequest const& incoming)
{
    auto const prompt = incoming.request.getInputTokenIds();
    auto const slot
        = mKvCache.reserve(prompt, static_cast<SizeType32>(prompt.size()) + incoming.request.getMaxTokens());
    if (!slot)
    {
        return false;
    }
    mActive.emplace_back(incoming, *slot);
    return true;
}

InflightBatchingStats InflightBatcher::step(IterationType iteration, std::vector<Response>& responses)
{
    mStep.clear();
    mScheduled.clear();
    scheduleGeneration();
    auto const generating = static_cast<SizeType32>(mScheduled.size());
    scheduleContext();

    InflightBatchingStats stats{};
    stats.numScheduledRequests = static_cast<SizeType32>(mScheduled.size());
    stats.numGenRequests = generating;
    stats.numContextRequests = stats.numScheduledRequests - generating;
    stats.numCtxTokens = static_cast<SizeType32>(mStep.size()) - generating;
    stats.avgNumDecodedTokensPerIter = generating > 0 ? 1.f : 0.f;
    if (mStep.empty())
    {
        return stats;
    }

    try
    {
        mRunner.forward(mStep);
    }
    catch (std::exception const& error)
    {
        for (auto const& scheduled : mScheduled)
        {
            responses.emplace_back(
                scheduled.request->id, std::string("Encountered an error in forwardAsync function: ") + error.what());
            mKvCache.discard(scheduled.request->slot);
            mActive.erase(scheduled.request);
        }
        return stats;
    }

    for (auto const& scheduled : mScheduled)
    {
        auto& request = *scheduled.request;
        auto const* tokens = request.generating() ? &request.generated.back() : &request.prompt[request.computed];
        auto const taken = mKvCache.append(request.slot, tokens, scheduled.count);
        request.metrics.kvCacheMetrics.numNewAllocatedBlocks += taken;
        request.metrics.kvCacheMetrics.numTotalAllocatedBlocks += taken;
        if (!request.generating())
        {
            request.computed += scheduled.count;
        }
        if (request.generating())
        {
            takeToken(scheduled, iteration, responses);
        }
    }
    return stats;
}

void InflightBatcher::scheduleGeneration()
{
    for (auto request = mActive.begin(); request != mActive.end(); ++request)
    {
        if (request->generating())
        {
            schedule(request, &request->generated.back(), 1, true);
        }
    }
}

void InflightBatcher::scheduleContext()
{
    for (auto request = mActive.begin(); request != mActive.end(); ++request)
    {
        auto const budget = mLimits.maxNumTokens - static_cast<SizeType32>(mStep.size());
        if (budget == 0)
        {
            return;
        }
        if (request->generating())
        {
            continue;
        }
        if (!request->bound)
        {
            auto const prefix = mKvCache.findPrefix(request->slot, request->prompt);
            if (prefixIsBeingComputed(request, prefix.length))
            {
                continue;
            }
            bind(*request, prefix);
        }
        auto const left = static_cast<SizeType32>(request->prompt.size()) - request->computed;
        auto const count = std::min(budget, left);
        schedule(request, &request->prompt[request->computed], count, count == left);
    }
}

/// Whether a request ahead is about to store at least a block more of this prompt's beginning than there is
/// now: then waiting a step or two costs less than computing it twice.
bool InflightBatcher::prefixIsBeingComputed(Active::const_iterator request, SizeType32 stored) const
{
    if (!mLimits.enableBlockReuse)
    {
        return false;
    }
    return std::any_of(mActive.begin(), request,
        [&](ActiveRequest const& ahead)
        {
            auto const common = std::min(
                commonPrefix(ahead.prompt, request->prompt), static_cast<SizeType32>(request->prompt.size()) - 1);
            return !ahead.generating() && common > ahead.computed && common >= stored + mLimits.tokensPerBlock;
        });
}

void InflightBatcher::bind(ActiveRequest& request, KvCacheManager::Prefix const& prefix)
{
    if (prefix.copyFrom)
    {
        mRunner.copyPrefix(*prefix.copyFrom, request.slot, prefix.length);
    }
    else
    {
        mRunner.truncate(request.slot, prefix.length);
    }
    request.metrics.kvCacheMetrics = mKvCache.bindPrefix(request.slot, request.prompt, prefix);
    request.computed = prefix.length;
    request.bound = true;
    request.metrics.timingMetrics.firstScheduledTime = Clock::now();
}

void InflightBatcher::schedule(Active::iterator request, TokenIdType const* tokens, SizeType32 count, bool wantLogits)
{
    mScheduled.push_back({request, static_cast<SizeType32>(mStep.size()), count});
    auto const position = mKvCache.storedTokens(request->slot);
    for (SizeType32 i = 0; i < count; ++i)
    {
        mStep.push_back({tokens[i], position + i, request->slot, wantLogits && i == count - 1});
    }
}

void InflightBatcher::takeToken(
    Scheduled const& scheduled, IterationType iteration, std::vector<Response>& responses)
{
    auto& request = *scheduled.request;
    auto const vocabularySize = mRunner.vocabularySize();
    auto const* logits = mRunner.logits(scheduled.firstToken + scheduled.count - 1);
    auto const token = request.sampler.sample(logits, vocabularySize);

    auto& metrics = request.metrics;
    metrics.timingMetrics.lastTokenTime = Clock::now();
    metrics.lastIter = iteration;
    if (!metrics.firstIter)
    {
        metrics.timingMetrics.firstTokenTime = metrics.timingMetrics.lastTokenTime;
        metrics.firstIter = iteration;
    }
    metrics.iter = iteration;

    if (token == request.endId)
    {
        end(scheduled.request, FinishReason::kEND_ID, {}, responses);
        return;
    }
    request.generated.push_back(token);
    if (request.output.returnLogProbs)
    {
        request.logProbs.push_back(logProbability(logits, vocabularySize, token));
        request.cumLogProb += request.logProbs.back();
    }

    bool const stopped = std::any_of(request.stopWords.begin(), request.stopWords.end(),
        [&](VecTokens const& word) { return endsWith(request.prompt, request.generated, word); });
    bool const full = static_cast<SizeType32>(request.generated.size()) >= request.maxTokens;
    if (stopped || full)
    {
        end(scheduled.request, stopped ? FinishReason::kSTOP_WORDS : FinishReason::kLENGTH, {token}, responses);
    }
    else if (request.streaming)
    {
        responses.push_back(makeResponse(request, {token}, FinishReason::kNOT_FINISHED, false));
    }
}

bool InflightBatcher::finish(IdType id, FinishReason reason, std::vector<Response>& responses)
{
    auto const request
        = std::find_if(mActive.begin(), mActive.end(), [&](ActiveRequest const& active) { return active.id == id; });
    if (request == mActive.end())
    {
        return false;
    }
    end(request, reason, {}, responses);
    return true;
}

void InflightBatcher::finishTimedOut(Clock::time_point now, std::vector<Response>& responses)
{
    for (auto request = mActive.begin(); request != mActive.end();)
    {
        auto const current = request++;
        if (current->allottedTime && now - current->metrics.timingMetrics.arrivalTime >= *current->allottedTime)
        {
            end(current, FinishReason::kTIMED_OUT, {}, responses);
        }
    }
}

void InflightBatcher::end(
    Active::iterator request, FinishReason reason, VecTokens lastTokens, std::vector<Response>& responses)
{
    if (!request->streaming && reason != FinishReason::kCANCELLED)
    {
        lastTokens = request->generated;
        if (!request->output.excludeInputFromOutput)
        {
            lastTokens.insert(lastTokens.begin(), request->prompt.begin(), request->prompt.end());
        }
    }
    responses.push_back(makeResponse(*request, std::move(lastTokens), reason, true));
    mKvCache.release(request->slot);
    mActive.erase(request);
}

Response InflightBatcher::makeResponse(
    ActiveRequest const& request, VecTokens tokens, FinishReason reason, bool isFinal)
{
    Result result{};
    result.isFinal = isFinal;
    result.isSequenceFinal = isFinal;
    result.outputTokenIds = {std::move(tokens)};
    result.finishReasons = {reason};
    result.decodingIter = static_cast<SizeType32>(request.generated.size());
    result.avgDecodedTokensPerIter = 1.f;
    if (request.output.returnLogProbs)
    {
        result.logProbs = std::vector<VecLogProbs>{request.logProbs};
        result.cumLogProbs = VecLogProbs{request.cumLogProb};
    }
    if (isFinal && request.output.returnPerfMetrics)
    {
        result.requestPerfMetrics = request.metrics;
    }
    return {request.id, std::move(result)};
}

} // namespace tensorrt_llm::executor::embedded
