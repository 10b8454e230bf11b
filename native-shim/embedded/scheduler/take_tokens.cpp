// From a step's logits to the tokens of a sequence.
#include "scheduler/inflight_batcher.h"

#include <algorithm>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

namespace
{

/// Whether the sequence ends with a word, which may begin in the prompt.
bool endsWith(VecTokens const& tokens, VecTokens const& word)
{
    return !word.empty() && word.size() <= tokens.size() && std::equal(word.rbegin(), word.rend(), tokens.rbegin());
}

} // namespace

/// Of sequences whose masks have become ready since their logits were computed.
void InflightBatcher::takeHeldTokens(IterationType iteration, std::vector<Response>& responses)
{
    for (auto const& member : unfinished())
    {
        auto& sequence = *member.sequence;
        if (!sequence.heldLogits.empty() && sequence.guided->ready())
        {
            auto const logits = std::exchange(sequence.heldLogits, {});
            takeTokens(member, logits.data(), iteration, responses);
        }
    }
    sweep(responses);
}

/// `logits`: [1 + drafted][vocabulary]. Each row chooses a token as if there were no draft; the next one counts where
/// that is the token that was guessed.
void InflightBatcher::takeTokens(
    Member const& member, float const* logits, IterationType iteration, std::vector<Response>& responses)
{
    auto& [request, sequence] = member;
    auto const proposal = std::exchange(sequence->proposal, {});
    auto const atMost = std::max<SizeType32>(1, static_cast<SizeType32>(proposal.size()));
    auto const before = sequence->length();
    auto reason = FinishReason::kNOT_FINISHED;
    SizeType32 accepted = 0;
    SizeType32 row = 0;
    for (bool hasNext = true; hasNext; logits += mRunner.vocabularySize())
    {
        auto const token = chooseToken(member, logits);
        if (!token)
        {
            break;
        }
        noteToken(request->metrics, iteration);
        reason = append(member, *token, logits, row, atMost);
        ++row;
        bool const guessed = row < atMost && proposal[static_cast<std::size_t>(row)] == *token;
        accepted += guessed ? 1 : 0;
        hasNext = guessed && reason == FinishReason::kNOT_FINISHED;
        sequence->computed += hasNext ? 1 : 0; // the draft brought its KV
    }
    sequence->decodingIterations += row > 0 ? 1 : 0;
    if (atMost > 1)
    {
        settleDraft(member, atMost - 1, accepted, row);
    }
    VecTokens tokens(sequence->tokens.begin() + before, sequence->tokens.end());
    if (reason != FinishReason::kNOT_FINISHED)
    {
        end(member, reason, std::move(tokens), responses);
    }
    else if (request->streaming && !tokens.empty())
    {
        responses.push_back(makeResponse(*request, *sequence, std::move(tokens), reason));
    }
}

/// None where the sequence's grammar is not ready, or ends the request.
std::optional<TokenIdType> InflightBatcher::chooseToken(Member const& member, float const* logits)
{
    auto& [request, sequence] = member;
    auto const vocabularySize = mRunner.vocabularySize();
    auto* const guided = sequence->guided.get();
    if (guided != nullptr && !guided->ready())
    {
        sequence->heldLogits.assign(logits, logits + vocabularySize);
        return std::nullopt;
    }
    if (guided != nullptr && !guided->failure().empty())
    {
        // Ended after the step, of which other sequences of the request may be a part.
        request->failure = "Encountered an error when fetching new request: " + guided->failure();
        return std::nullopt;
    }
    return sequence->sampler.sample(logits, vocabularySize, guided == nullptr ? nullptr : &guided->mask());
}

/// Gives the sequence a token, unless it says that the answer is complete. Returns why it ends.
FinishReason InflightBatcher::append(
    Member const& member, TokenIdType token, float const* logits, SizeType32 index, SizeType32 atMost)
{
    auto& [request, sequence] = member;
    auto const vocabularySize = mRunner.vocabularySize();
    auto* const guided = sequence->guided.get();
    if (token == request->endId || (guided != nullptr && guided->isEnd(token)))
    {
        return FinishReason::kEND_ID;
    }
    sequence->tokens.push_back(token);
    if (request->output.returnLogProbs)
    {
        sequence->logProbs.push_back(logProbability(logits, vocabularySize, token));
        sequence->cumLogProb += sequence->logProbs.back();
    }
    if (request->output.returnGenerationLogits)
    {
        gatherGeneration(*request, *sequence, logits, vocabularySize, index, atMost);
    }
    bool const stopped = std::any_of(request->stopWords.begin(), request->stopWords.end(),
        [&](VecTokens const& word) { return endsWith(sequence->tokens, word); });
    if (stopped || sequence->generated(request->promptLength) >= request->maxTokens)
    {
        return stopped ? FinishReason::kSTOP_WORDS : FinishReason::kLENGTH;
    }
    if (guided != nullptr)
    {
        guided->accept(token);
    }
    return FinishReason::kNOT_FINISHED;
}

void InflightBatcher::noteToken(RequestPerfMetrics& metrics, IterationType iteration)
{
    metrics.timingMetrics.lastTokenTime = Clock::now();
    metrics.lastIter = iteration;
    if (!metrics.firstIter)
    {
        metrics.timingMetrics.firstTokenTime = metrics.timingMetrics.lastTokenTime;
        metrics.firstIter = iteration;
    }
    metrics.iter = iteration;
}

} // namespace tensorrt_llm::executor::embedded
