#include "scheduler/inflight_batcher.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <string>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

namespace
{

/// Takes out what is no request's last response.
std::vector<Response> takeEarly(std::vector<Response>& responses)
{
    auto const last = std::stable_partition(responses.begin(), responses.end(),
        [](Response const& response) { return response.hasError() || response.getResult().isFinal; });
    std::vector<Response> early(std::make_move_iterator(last), std::make_move_iterator(responses.end()));
    responses.erase(last, responses.end());
    return early;
}

} // namespace

InflightBatcher::InflightBatcher(
    ModelRunner& runner, Limits const& limits, KvCacheEvents& events, Drafter* drafter)
    : mRunner(runner)
    , mLimits(limits)
    , mKvCache(limits, runner, events)
    , mLora(runner, limits.loraCacheBytes)
    , mDrafter(drafter)
{
}

SizeType32 InflightBatcher::activeRequests() const
{
    return static_cast<SizeType32>(mActive.size());
}

std::optional<SpecDecodingStats> const& InflightBatcher::specDecodingStats() const
{
    return mSpecDecodingStats;
}

KvCacheStats InflightBatcher::kvCacheStats() const
{
    return mKvCache.stats();
}

std::vector<RequestStats> InflightBatcher::takeRequestStats()
{
    auto stats = std::exchange(mEnded, {});
    for (auto const& request : mActive)
    {
        stats.push_back(statsOf(request));
    }
    return stats;
}

bool InflightBatcher::tryAdmit(IncomingRequest const& incoming)
{
    mBatchIsOpen = mBatchIsOpen || mActive.empty();
    if (mLimits.capacityPolicy == CapacitySchedulerPolicy::kSTATIC_BATCH && !mBatchIsOpen)
    {
        return false;
    }
    auto const width = incoming.request.getSamplingConfig().getBeamWidth();
    if (!mActive.empty() && mActive.front().incoming.request.getSamplingConfig().getBeamWidth() != width)
    {
        return false;
    }
    auto sequences = numSequences(incoming.request);
    for (auto const& request : mActive)
    {
        sequences += request.unfinishedSequences();
    }
    if (sequences > mRunner.maxSequences())
    {
        return false;
    }
    if (mLimits.capacityPolicy != CapacitySchedulerPolicy::kMAX_UTILIZATION
        && promisedBlocks() + blocksToCompletion(incoming.request, mLimits.tokensPerBlock) > mKvCache.freeBlocks())
    {
        return false;
    }
    LoraCache::Adapter lora;
    if (auto const config = incoming.request.getLoraConfig())
    {
        lora = mLora.acquire(*config);
        if (lora == nullptr)
        {
            return false;
        }
    }
    auto const place = std::find_if(mActive.begin(), mActive.end(),
        [&](ActiveRequest const& each) { return each.priority < incoming.request.getPriority(); });
    mActive.emplace(place, incoming, std::move(lora));
    return true;
}

InflightBatchingStats InflightBatcher::step(
    IterationType iteration, std::vector<Response>& responses, EarlyResponses const& early)
{
    mKvCache.refresh(Clock::now());
    mStep.clear();
    mScheduled.clear();
    mStepTokens = 0;
    mPausedInStep = 0;
    takeHeldTokens(iteration, responses);
    mBatchIsOpen = mActive.empty();

    for (auto const& member : unfinished())
    {
        member.sequence->isScheduled = false;
    }
    auto members = fitting();
    if (mDrafter != nullptr)
    {
        members = draft(std::move(members), responses);
    }
    scheduleGeneration(members);
    auto const generating = static_cast<SizeType32>(mStep.size());
    auto const generationTokens = mStepTokens;
    if (mLimits.chunkingPolicy == ContextChunkingPolicy::kEQUAL_PROGRESS)
    {
        scheduleContextEqually(members);
    }
    else
    {
        scheduleContextInOrder(members);
    }

    InflightBatchingStats stats{};
    stats.numScheduledRequests = static_cast<SizeType32>(mStep.size());
    stats.numGenRequests = generating;
    stats.numContextRequests = stats.numScheduledRequests - generating;
    stats.numPausedRequests = mPausedInStep;
    stats.numCtxTokens = mStepTokens - generationTokens;
    if (!mStep.empty())
    {
        compute(iteration, responses, early);
    }
    if (generating > 0)
    {
        auto const accepted = mSpecDecodingStats ? mSpecDecodingStats->numAcceptedTokens : 0;
        stats.avgNumDecodedTokensPerIter = 1.f + static_cast<float>(accepted) / static_cast<float>(generating);
    }
    return stats;
}

void InflightBatcher::compute(
    IterationType iteration, std::vector<Response>& responses, EarlyResponses const& early)
{
    std::size_t open = mStep.size();
    try
    {
        mRunner.forward(mStep,
            [&](std::vector<ComputedPart> const& parts)
            {
                for (auto const& part : parts)
                {
                    advance(mScheduled[part.index], part.logits, iteration, responses);
                }
                open -= parts.size();
                if (early && open > 0)
                {
                    early(takeEarly(responses));
                }
            });
    }
    catch (std::exception const& error)
    {
        fail(std::string("Encountered an error in forwardAsync function: ") + error.what(), responses);
        return;
    }
    sweep(responses);
}

/// `logits`: [wanted][vocabulary]
void InflightBatcher::advance(
    Scheduled const& scheduled, float const* logits, IterationType iteration, std::vector<Response>& responses)
{
    auto const [member, count] = scheduled;
    auto& [request, sequence] = member;
    if (request->gathersContext()) // then logits of all its tokens were wanted
    {
        auto const vocabularySize = mRunner.vocabularySize();
        for (SizeType32 token = 0; token < count; ++token, logits += vocabularySize)
        {
            if (sequence->computed + token == request->contextRows)
            {
                request->gatherContext(logits, vocabularySize);
            }
        }
        logits -= vocabularySize;
    }
    sequence->computed += count - sequence->drafted();
    mKvCache.advance(sequence->id, sequence->tokens, sequence->computed);
    if (sequence->computed < sequence->length())
    {
        return;
    }
    sequence->phase = Phase::kGENERATION;
    if (request->beams)
    {
        takeBeam(member, logits, iteration, responses);
        return;
    }
    if (request->isForked())
    {
        takeTokens(member, logits, iteration, responses);
        return;
    }
    fork(*request);
    for (auto& each : request->sequences)
    {
        if (each.phase == Phase::kGENERATION)
        {
            takeTokens({request, &each}, logits, iteration, responses);
        }
    }
}

/// Fails the requests that cannot go on, and forgets those that have ended.
void InflightBatcher::sweep(std::vector<Response>& responses)
{
    for (auto& request : mActive)
    {
        if (!request.failure.empty() && !request.isFinished())
        {
            fail(request, request.failure, true, responses);
        }
    }
    mActive.remove_if([](ActiveRequest const& request) { return request.isFinished(); });
}

/// The other sequences of a request whose prompt has just been computed. One that finds no block waits, and
/// begins as if it had been paused.
void InflightBatcher::fork(ActiveRequest& request)
{
    auto const& first = request.sequences.front();
    for (SizeType32 index = 1; index < request.numSequences; ++index)
    {
        auto& sequence = request.sequences.emplace_back(index, request.incoming);
        if (mKvCache.freeBlocks() == 0)
        {
            continue;
        }
        auto const id = ++mLastSequence;
        start({&request, &sequence}, mKvCache.forkSequence(id, first.id, first.computed), id);
        sequence.phase = Phase::kGENERATION;
    }
}

void InflightBatcher::start(Member const& member, KvCacheManager::Start const& start, SequenceId id)
{
    auto& sequence = *member.sequence;
    sequence.id = id;
    sequence.computed = start.reusedTokens;
    sequence.phase = Phase::kCONTEXT;
    sequence.isPaused = false;
    mRunner.begin({id, mKvCache.blocks(id), start.reusedTokens, start.copyFrom, member.request->lora.get()});

    auto& metrics = member.request->metrics.kvCacheMetrics;
    metrics.numTotalAllocatedBlocks += start.metrics.numTotalAllocatedBlocks;
    metrics.numNewAllocatedBlocks += start.metrics.numNewAllocatedBlocks;
    metrics.numReusedBlocks += start.metrics.numReusedBlocks;
    metrics.numMissedBlocks += start.metrics.numMissedBlocks;
    auto const looked = metrics.numReusedBlocks + metrics.numMissedBlocks;
    metrics.kvCacheHitRate = looked == 0 ? 0.f : static_cast<float>(metrics.numReusedBlocks) / static_cast<float>(looked);
}

bool InflightBatcher::finish(IdType id, FinishReason reason, std::vector<Response>& responses)
{
    auto const request
        = std::find_if(mActive.begin(), mActive.end(), [&](ActiveRequest const& active) { return active.id == id; });
    if (request == mActive.end())
    {
        return false;
    }
    finish(*request, reason, responses);
    mActive.erase(request);
    return true;
}

void InflightBatcher::finishTimedOut(Clock::time_point now, std::vector<Response>& responses)
{
    for (auto request = mActive.begin(); request != mActive.end();)
    {
        bool const late
            = request->allottedTime && now - request->metrics.timingMetrics.arrivalTime >= *request->allottedTime;
        if (late)
        {
            finish(*request, FinishReason::kTIMED_OUT, responses);
        }
        request = late ? mActive.erase(request) : std::next(request);
    }
}

/// Ends every sequence that has not ended yet, also those that never began.
void InflightBatcher::finish(ActiveRequest& request, FinishReason reason, std::vector<Response>& responses)
{
    if (request.beams)
    {
        endBeams(request, reason, responses);
        return;
    }
    while (!request.isForked())
    {
        request.sequences.emplace_back(static_cast<SizeType32>(request.sequences.size()), request.incoming);
    }
    for (auto& sequence : request.sequences)
    {
        if (sequence.phase != Phase::kFINISHED)
        {
            end({&request, &sequence}, reason, {}, responses);
        }
    }
}

void InflightBatcher::end(
    Member const& member, FinishReason reason, VecTokens lastTokens, std::vector<Response>& responses)
{
    auto& [request, sequence] = member;
    leave(*sequence, true);
    sequence->phase = Phase::kFINISHED;
    if (!request->streaming && reason != FinishReason::kCANCELLED)
    {
        auto const begin = request->output.excludeInputFromOutput ? request->promptLength : 0;
        lastTokens.assign(sequence->tokens.begin() + begin, sequence->tokens.end());
    }
    responses.push_back(makeResponse(*request, *sequence, std::move(lastTokens), reason));
    if (request->isFinished())
    {
        mEnded.push_back(statsOf(*request));
    }
}

/// The step's KV is not reliable: its requests end, and what they may have shared is forgotten.
void InflightBatcher::fail(std::string const& message, std::vector<Response>& responses)
{
    for (auto const& scheduled : mScheduled)
    {
        if (!scheduled.member.request->isFinished())
        {
            fail(*scheduled.member.request, message, false, responses);
        }
    }
    mKvCache.clear();
    mActive.remove_if([](ActiveRequest const& request) { return request.isFinished(); });
}

void InflightBatcher::fail(
    ActiveRequest& request, std::string const& message, bool keepKv, std::vector<Response>& responses)
{
    responses.emplace_back(request.id, message);
    while (!request.isForked())
    {
        request.sequences.emplace_back(static_cast<SizeType32>(request.sequences.size()), request.incoming);
    }
    for (auto& sequence : request.sequences)
    {
        leave(sequence, keepKv);
        sequence.phase = Phase::kFINISHED;
    }
    mEnded.push_back(statsOf(request));
}

/// Gives the sequence's KV back, where it has any; `keepKv`: for reuse.
void InflightBatcher::leave(ActiveSequence& sequence, bool keepKv)
{
    if (sequence.hasKv())
    {
        if (mDrafter != nullptr)
        {
            mDrafter->end(sequence.id, sequence.tokens);
        }
        mKvCache.removeSequence(sequence.id, sequence.tokens, keepKv ? sequence.computed : 0, Clock::now());
        mRunner.end(sequence.id);
    }
}

} // namespace tensorrt_llm::executor::embedded
