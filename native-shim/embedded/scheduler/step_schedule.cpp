// Who takes part in a step, and with how many tokens.
#include "scheduler/inflight_batcher.h"

#include <algorithm>
#include <limits>

namespace tensorrt_llm::executor::embedded
{

std::vector<InflightBatcher::Member> InflightBatcher::unfinished()
{
    std::vector<Member> members;
    for (auto& request : mActive)
    {
        for (auto& sequence : request.sequences)
        {
            if (sequence.phase != Phase::kFINISHED)
            {
                members.push_back({&request, &sequence});
            }
        }
    }
    return members;
}

/// Blocks that the sequence takes from the pool in this step at most.
SizeType32 InflightBatcher::blocksNeeded(Member const& member) const
{
    auto const& sequence = *member.sequence;
    auto const held
        = sequence.hasKv() ? static_cast<SizeType32>(mKvCache.blocks(sequence.id).size()) : 0;
    return mKvCache.blocksFor(sequence.length()) - held;
}

/// Blocks that running requests will still take until they end.
SizeType32 InflightBatcher::promisedBlocks() const
{
    SizeType32 blocks = 0;
    for (auto const& request : mActive)
    {
        auto const whole = mKvCache.blocksFor(request.promptLength + request.maxTokens);
        blocks += request.isForked() ? 0 : (request.numSequences - 1) * (whole - request.promptLength / mLimits.tokensPerBlock);
        for (auto const& sequence : request.sequences)
        {
            auto const held
                = sequence.hasKv() ? static_cast<SizeType32>(mKvCache.blocks(sequence.id).size()) : 0;
            blocks += sequence.phase == Phase::kFINISHED ? 0 : whole - held;
        }
    }
    return blocks;
}

/// Those whose next blocks the pool has, in order. Under MAX_UTILIZATION the last that have begun make room for
/// the first; the other policies have promised everyone its blocks.
std::vector<InflightBatcher::Member> InflightBatcher::fitting()
{
    auto members = unfinished();
    mSpareBlocks = std::numeric_limits<SizeType32>::max(); // promised where a draft needs them
    if (mLimits.capacityPolicy != CapacitySchedulerPolicy::kMAX_UTILIZATION)
    {
        return members;
    }
    SizeType32 taken = 0;
    auto last = members.size();
    for (std::size_t index = 0; index < last; ++index)
    {
        auto const& member = members[index];
        while (index < last && taken + blocksNeeded(member) > mKvCache.freeBlocks())
        {
            auto victim = last;
            while (victim > index && !members[victim - 1].sequence->hasKv())
            {
                --victim;
            }
            if (victim > index)
            {
                pause(*members[victim - 1].sequence);
                last = victim - 1;
            }
            else
            {
                last = index;
            }
        }
        taken += index < last ? blocksNeeded(member) : 0;
    }
    members.resize(last);
    mSpareBlocks = mKvCache.freeBlocks() - taken;
    return members;
}

void InflightBatcher::pause(ActiveSequence& sequence)
{
    leave(sequence, true);
    sequence.phase = Phase::kWAITING;
    sequence.computed = 0;
    sequence.heldLogits.clear(); // computed again with the rest
    sequence.isPaused = true;
    ++mPausedInStep;
}

SizeType32 InflightBatcher::budget() const
{
    return mLimits.maxNumTokens - mStepTokens;
}

void InflightBatcher::scheduleGeneration(std::vector<Member> const& members)
{
    for (auto const& member : members)
    {
        if (member.sequence->phase == Phase::kGENERATION && member.sequence->heldLogits.empty())
        {
            auto const drafted = member.sequence->drafted();
            mKvCache.reserve(member.sequence->id, member.sequence->length() + drafted);
            schedule(member, 1 + drafted);
        }
    }
}

/// FIRST_COME_FIRST_SERVED.
void InflightBatcher::scheduleContextInOrder(std::vector<Member> const& members)
{
    for (auto const& member : members)
    {
        if (budget() == 0)
        {
            return;
        }
        if (member.sequence->phase != Phase::kGENERATION && tryBegin(member))
        {
            schedule(member, std::min(budget(), member.sequence->length() - member.sequence->computed));
        }
    }
}

/// EQUAL_PROGRESS: a block's tokens for each in turn, as long as there are any.
void InflightBatcher::scheduleContextEqually(std::vector<Member> const& members)
{
    std::vector<Scheduled> chunks;
    for (auto const& member : members)
    {
        if (member.sequence->phase != Phase::kGENERATION && tryBegin(member))
        {
            chunks.push_back({member, 0});
        }
    }
    auto left = budget();
    for (bool progress = true; progress && left > 0;)
    {
        progress = false;
        for (auto& [member, count] : chunks)
        {
            auto const missing = member.sequence->length() - member.sequence->computed - count;
            auto const more = std::min({left, missing, mLimits.tokensPerBlock});
            count += more;
            left -= more;
            progress = progress || more > 0;
        }
    }
    for (auto const& [member, count] : chunks)
    {
        if (count > 0)
        {
            schedule(member, count);
        }
    }
}

/// Makes a waiting sequence begin. False: it is better to wait for another one's KV.
bool InflightBatcher::tryBegin(Member const& member)
{
    auto& [request, sequence] = member;
    if (sequence->phase == Phase::kCONTEXT)
    {
        return true;
    }
    if (prefixIsBeingComputed(member))
    {
        return false;
    }
    auto const id = ++mLastSequence;
    auto const mostReused = request->gathersContext() ? request->contextRows : sequence->length();
    start(member, mKvCache.addSequence(id, sequence->tokens, request->domain, request->retention, mostReused), id);
    auto& scheduledAt = request->metrics.timingMetrics.firstScheduledTime;
    scheduledAt = scheduledAt == Clock::time_point{} ? Clock::now() : scheduledAt;
    return true;
}

/// Whether a sequence ahead is about to store at least a block more of this one's beginning than there is now:
/// then waiting a step or two costs less than computing it twice.
bool InflightBatcher::prefixIsBeingComputed(Member const& member) const
{
    if (!mLimits.enableBlockReuse || member.request->gathersContext())
    {
        return false;
    }
    auto const& tokens = member.sequence->tokens;
    std::optional<SizeType32> stored;
    for (auto const& request : mActive)
    {
        for (auto const& ahead : request.sequences)
        {
            if (&ahead == member.sequence)
            {
                return false;
            }
            bool const computing = ahead.phase == Phase::kCONTEXT || ahead.phase == Phase::kWAITING;
            if (!computing || !(request.domain == member.request->domain))
            {
                continue;
            }
            auto const common = std::min(commonPrefix(ahead.tokens, tokens), member.sequence->length() - 1)
                / mLimits.tokensPerBlock * mLimits.tokensPerBlock;
            if (common <= ahead.computed)
            {
                continue;
            }
            stored = stored ? stored : mKvCache.findPrefix(tokens, member.request->domain);
            if (common >= *stored + mLimits.tokensPerBlock)
            {
                return true;
            }
        }
    }
    return false;
}

void InflightBatcher::schedule(Member const& member, SizeType32 count)
{
    auto& sequence = *member.sequence;
    sequence.isScheduled = true;
    auto const drafted = sequence.drafted();
    bool const last = sequence.computed + count == sequence.length() + drafted;
    auto const wantedLogits = member.request->gathersContext() ? count : last ? 1 + drafted : 0;
    auto const* const tokens = drafted > 0 ? sequence.proposal.data() : &sequence.tokens[sequence.computed];
    mStep.push_back({sequence.id, mKvCache.blocks(sequence.id), tokens, count, sequence.computed, wantedLogits});
    mScheduled.push_back({member, count});
    mStepTokens += count;
}

} // namespace tensorrt_llm::executor::embedded
