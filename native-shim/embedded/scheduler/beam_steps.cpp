// What a beam search adds to in-flight batching.
#include "scheduler/inflight_batcher.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

/// The search goes on when the last of the request's beams has its logits.
void InflightBatcher::takeBeam(
    Member const& member, float const* logits, IterationType iteration, std::vector<Response>& responses)
{
    auto& request = *member.request;
    if (!request.beams->gather(member.sequence->index, logits, mRunner.vocabularySize()))
    {
        return;
    }
    noteToken(request.metrics, iteration);
    auto const parents = request.beams->advance();
    if (request.beams->ended())
    {
        endBeams(request, FinishReason::kLENGTH, responses);
    }
    else
    {
        followBeams(request, parents);
    }
}

/// Gives each new beam its parent's KV: the first child takes it over, others share its blocks. Beams without a
/// child go first, since their places are needed.
void InflightBatcher::followBeams(ActiveRequest& request, std::vector<SizeType32> const& parents)
{
    std::vector<ActiveSequence> former(
        std::make_move_iterator(request.sequences.begin()), std::make_move_iterator(request.sequences.end()));
    for (auto& sequence : former)
    {
        if (std::find(parents.begin(), parents.end(), sequence.index) == parents.end())
        {
            leave(sequence, true);
        }
    }
    request.sequences.clear();
    std::vector<bool> isTaken(former.size());
    for (std::size_t beam = 0; beam < parents.size(); ++beam)
    {
        auto const parent = static_cast<std::size_t>(parents[beam]);
        auto& sequence = request.sequences.emplace_back(static_cast<SizeType32>(beam), request.incoming);
        sequence.tokens = request.beams->search().beams()[beam].tokens;
        if (isTaken[parent])
        {
            auto const id = ++mLastSequence;
            start({&request, &sequence}, mKvCache.forkSequence(id, former[parent].id, former[parent].computed), id);
        }
        else
        {
            sequence.id = former[parent].id;
            sequence.computed = former[parent].computed;
            isTaken[parent] = true;
        }
        sequence.phase = Phase::kGENERATION;
    }
}

void InflightBatcher::endBeams(ActiveRequest& request, FinishReason reason, std::vector<Response>& responses)
{
    for (auto& sequence : request.sequences)
    {
        leave(sequence, true);
        sequence.phase = Phase::kFINISHED;
    }
    while (!request.isForked())
    {
        request.sequences.emplace_back(static_cast<SizeType32>(request.sequences.size()), request.incoming);
        request.sequences.back().phase = Phase::kFINISHED;
    }
    responses.push_back(makeBeamResponse(request, reason));
}

} // namespace tensorrt_llm::executor::embedded
