// Guesses what the hash model says next, and now and then something else.
#pragma once

#include "drafting/drafter.h"
#include "hash_model.h"

#include <random>

namespace hash_model
{

class HashDrafter : public embedded::Drafter
{
public:
    explicit HashDrafter(int percentRight)
        : mPercentRight(percentRight)
    {
    }

    void draft(std::vector<embedded::DraftRequest> const& requests) override
    {
        if (failsNext)
        {
            failsNext = false;
            throw std::runtime_error("no guess as asked");
        }
        for (auto const& request : requests)
        {
            require(request.maxTokens > 0, "an empty draft");
            auto tokens = request.tokens;
            bool const shorter = mPercentRight < 100 && pick(1, 4) == 1;
            for (auto i = shorter ? pick(0, request.maxTokens) : request.maxTokens; i > 0; --i)
            {
                tokens.push_back(pick(1, 100) <= mPercentRight ? nextToken(tokens) : pick(0, kVocabularySize - 1));
                request.draft.push_back(tokens.back());
            }
        }
    }

    bool failsNext{false};

private:
    int pick(int low, int high)
    {
        return std::uniform_int_distribution<int>(low, high)(mRandom);
    }

    int mPercentRight;
    std::mt19937 mRandom{1};
};

} // namespace hash_model
