// What a request's own rules make of the model's logits.
#pragma once

#include "sampling/repetition_bans.h"
#include "sampling/token_mask.h"

#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

/// In TensorRT-LLM's order: mask, embedding bias, penalties on what the temperature made of the logit, minTokens,
/// bad words and repeated n-grams. The result still awaits the division by the temperature. Knows the sequence so
/// far; copied when a beam forks.
class LogitAdjuster
{
public:
    explicit LogitAdjuster(Request const& request);

    /// logits: [vocabularySize]; mask: null where every token is allowed. Returns `logits` where nothing changes;
    /// else memory of this object, until the next call. What may not be is -infinity.
    [[nodiscard]] float const* adjust(float const* logits, SizeType32 vocabularySize, TokenMask const* mask);

    /// Whether minTokens, bad words or n-grams took anything from the last result.
    [[nodiscard]] bool hasBans() const
    {
        return !mBanned.empty();
    }

    /// The last result without what they took: for when they leave nothing.
    [[nodiscard]] float const* liftBans();

    void accept(TokenIdType token);

    /// Above 0, also for a request with temperature 0.
    [[nodiscard]] float temperature() const
    {
        return mTemperature;
    }

private:
    struct Occurrences
    {
        SizeType32 all{0};     // in prompt and answer
        SizeType32 counted{0}; // without the first promptIgnoreLength tokens
    };

    void apply(TokenMask const& mask, float const* logits, SizeType32 vocabularySize);
    void penalize(TokenIdType token, Occurrences const& occurrences);
    void ban(TokenIdType token);

    float mTemperature;
    float mRepetitionPenalty;
    float mPresencePenalty;
    float mFrequencyPenalty;
    bool mPenalizes;
    SizeType32 mMinTokens;
    std::optional<TokenIdType> mEndId;
    RepetitionBans mBans;
    std::vector<std::pair<TokenIdType, float>> mBias; // where it is not 0
    std::unordered_map<TokenIdType, Occurrences> mOccurrences; // kept for penalties only
    SizeType32 mGenerated{0};
    std::vector<float> mAdjusted;
    std::vector<std::pair<TokenIdType, float>> mBanned; // with the logit that each had
};

} // namespace tensorrt_llm::executor::embedded
