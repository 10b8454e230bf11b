// Beam search for one request, by TensorRT-LLM's rules: logits of each beam in, parents and tokens out.
#pragma once

#include "scan.h"
#include "tensorrt_llm/executor/executor.h"

#include <list>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

struct BeamSearchConfig
{
    SizeType32 width{2};
    SizeType32 maxTokens{1};
    std::optional<TokenIdType> endId;
    std::list<VecTokens> stopWords;
    float temperature{1.f}; // divides the logits; above 0
    /// The score of an answer is its log-probability / length ^ lengthPenalty; its length counts the end token.
    float lengthPenalty{0.f};
    /// Added to a candidate's rank once per index of its beam.
    float diversityRate{0.f};
    /// 1: done with `width` finished answers. Otherwise done when no running beam can reach the worst of them: with
    /// 0 judged at its present length, with another value at maxTokens where the length penalty is above 0.
    SizeType32 earlyStopping{1};
};

/// Of each step's 2 * width best continuations, those that end and are among the first `width` become answers, the
/// best `width` others the next beams.
class BeamSearch
{
public:
    struct Beam
    {
        VecTokens tokens; // prompt and answer, without the end token
        VecLogProbs logProbs;
        double cumLogProb{0}; // with the end token's
    };

    struct Answer
    {
        Beam beam;
        double score;
        FinishReason reason;
    };

    BeamSearch(BeamSearchConfig config, VecTokens prompt);

    /// One after construction, then up to `width`, best first.
    [[nodiscard]] std::vector<Beam> const& beams() const
    {
        return mBeams;
    }

    /// logits: a row for each beam, of which -infinity never continues a beam. Returns the former index of each new
    /// beam; its last token is the new one.
    std::vector<SizeType32> advance(std::vector<float const*> const& logits, SizeType32 vocabularySize);

    [[nodiscard]] bool done() const
    {
        return mDone;
    }

    /// Best first, `width` at most. Beams that still run are among them with `reason`, unless the search is done.
    [[nodiscard]] std::vector<Answer> answers(FinishReason reason) const;

private:
    struct Candidate
    {
        SizeType32 beam;
        TokenIdType token;
        double logProb;
        double cumLogProb;
        double rank;
    };

    [[nodiscard]] std::vector<Candidate> candidates(
        std::vector<float const*> const& logits, SizeType32 vocabularySize);
    [[nodiscard]] Beam extended(Candidate const& candidate) const;
    [[nodiscard]] bool completesStopWord(Candidate const& candidate) const;
    [[nodiscard]] double score(double cumLogProb, SizeType32 length) const;
    [[nodiscard]] SizeType32 generated() const;
    [[nodiscard]] bool canStop(double bestCumLogProb, SizeType32 length) const;
    void keep(Answer answer);

    BeamSearchConfig const mConfig;
    SizeType32 const mPromptLength;
    std::vector<Beam> mBeams;
    std::vector<Answer> mAnswers; // best first, `width` at most
    bool mDone{false};
    std::vector<float> mMaxima;
    std::vector<logits::Entry> mTop;
};

} // namespace tensorrt_llm::executor::embedded
