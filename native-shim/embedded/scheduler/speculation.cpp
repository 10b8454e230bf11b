// What speculative decoding adds to in-flight batching.
#include "scheduler/inflight_batcher.h"

#include <algorithm>
#include <exception>
#include <string>

namespace tensorrt_llm::executor::embedded
{

/// Has tokens guessed that this step checks. Returns who takes part in it: where the drafter fails, so do those for
/// whom it guessed.
std::vector<InflightBatcher::Member> InflightBatcher::draft(std::vector<Member> members, std::vector<Response>& responses)
{
    mSpecDecodingStats = SpecDecodingStats{};
    auto const generates = [](Member const& member)
    { return member.sequence->phase == Phase::kGENERATION && member.sequence->heldLogits.empty(); };
    auto const generating = static_cast<SizeType32>(std::count_if(members.begin(), members.end(), generates));
    if (generating > mLimits.speculation->maxConcurrency.value_or(generating))
    {
        return members;
    }
    bool const hasContext = generating < static_cast<SizeType32>(members.size());
    auto tokens = (mLimits.maxNumTokens - generating) / (hasContext ? 2 : 1); // prompts go on too
    std::vector<Member> guessedFor;
    std::vector<DraftRequest> wanted;
    for (auto const& member : members)
    {
        auto& [request, sequence] = member;
        auto const count = generates(member) && !request->beams
            ? roomForDraft(member, std::min(tokens, sequence->draftLength.next()))
            : 0;
        if (count > 0)
        {
            tokens -= count;
            mSpareBlocks -= mKvCache.blocksFor(sequence->length() + count) - mKvCache.blocksFor(sequence->length());
            sequence->proposal = {sequence->tokens.back()};
            guessedFor.push_back(member);
            wanted.push_back({sequence->id, sequence->tokens, request->domain, count, sequence->proposal});
        }
    }
    auto const begin = Clock::now();
    try
    {
        mDrafter->draft(wanted);
    }
    catch (std::exception const& error)
    {
        auto const message = std::string("Encountered an error in forwardAsync function: the draft: ") + error.what();
        for (auto const& member : guessedFor)
        {
            if (!member.request->isFinished())
            {
                fail(*member.request, message, true, responses);
            }
        }
        sweep(responses);
        return fitting();
    }
    mSpecDecodingStats->iterLatencyMS = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    return members;
}

/// How many of `tokens` may be guessed for a sequence, so that neither they nor the one that follows exceed what the request
/// was promised.
SizeType32 InflightBatcher::roomForDraft(Member const& member, SizeType32 tokens) const
{
    auto const& [request, sequence] = member;
    auto const length = sequence->length();
    auto const count = std::min({mLimits.speculation->maxDraftLen, tokens,
        request->maxTokens - sequence->generated(request->promptLength) - 1});
    auto const blocks = mKvCache.blocksFor(length);
    bool const fits = mKvCache.blocksFor(length + std::max(count, 0)) - blocks <= mSpareBlocks;
    return fits ? count : std::min(count, (blocks + mSpareBlocks) * mLimits.tokensPerBlock - length);
}

/// After a draft was checked: `taken` tokens came of it, of which `accepted` had been guessed. What else it stored is
/// dropped.
void InflightBatcher::settleDraft(Member const& member, SizeType32 drafted, SizeType32 accepted, SizeType32 taken)
{
    auto& [request, sequence] = member;
    mKvCache.advance(sequence->id, sequence->tokens, sequence->computed);
    mKvCache.truncate(sequence->id, sequence->computed);
    mRunner.truncate(sequence->id, mKvCache.blocks(sequence->id), sequence->computed);

    sequence->draftLength.settle(drafted, accepted);
    auto& metrics = request->metrics.speculativeDecoding;
    metrics.totalDraftTokens += drafted;
    metrics.totalAcceptedDraftTokens += accepted;
    metrics.acceptanceRate
        = static_cast<float>(metrics.totalAcceptedDraftTokens) / static_cast<float>(metrics.totalDraftTokens);

    auto& stats = *mSpecDecodingStats;
    auto const before = static_cast<double>(stats.numRequestsWithDraftTokens++);
    stats.numDraftTokens += drafted;
    stats.numAcceptedTokens += accepted;
    stats.acceptanceLength = (stats.acceptanceLength * before + taken) / (before + 1);
}

} // namespace tensorrt_llm::executor::embedded
