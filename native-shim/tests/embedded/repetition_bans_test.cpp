#include "check.h"
#include "sampling/repetition_bans.h"
#include "sampling_request.h"

#include <algorithm>
#include <set>

namespace
{

using namespace sampling_request;
using embedded::RepetitionBans;

/// Whether the sequence ends with a word.
bool endsWith(VecTokens const& sequence, VecTokens const& word)
{
    return word.size() <= sequence.size()
        && VecTokens(sequence.end() - static_cast<std::ptrdiff_t>(word.size()), sequence.end()) == word;
}

/// Whether the last n tokens of the sequence lie in it before.
bool repeatsLast(VecTokens const& sequence, std::size_t n)
{
    if (sequence.size() <= n)
    {
        return false;
    }
    auto const tail = sequence.end() - static_cast<std::ptrdiff_t>(n);
    return std::search(sequence.begin(), sequence.end() - 1, tail, sequence.end()) != sequence.end() - 1;
}

} // namespace

TEST("a token is banned exactly where it would complete a bad word or repeat an n-gram")
{
    constexpr TokenIdType kTokens = 4;
    std::mt19937 random(11);
    auto const upTo = [&](std::size_t most) { return random() % (most + 1); };
    auto const some = [&](std::size_t length)
    {
        VecTokens tokens(length);
        std::generate(tokens.begin(), tokens.end(), [&] { return static_cast<TokenIdType>(upTo(kTokens - 1)); });
        return tokens;
    };
    for (int run = 0; run < 300; ++run)
    {
        auto const ngram = upTo(4);
        auto sequence = some(1 + upTo(6));
        auto request = sampling([&](auto& c) { c.setNoRepeatNgramSize(static_cast<SizeType32>(ngram)); }, sequence);
        std::list<VecTokens> words;
        for (auto count = upTo(2); count > 0; --count)
        {
            words.push_back(some(1 + upTo(3)));
        }
        request.setBadWords(words);
        RepetitionBans bans(request);
        CHECK_EQ(bans.active(), ngram > 0 || !words.empty());
        for (int step = 0; step < 20; ++step)
        {
            auto const& next = bans.next();
            std::set<TokenIdType> const banned(next.begin(), next.end());
            for (TokenIdType token = 0; token < kTokens; ++token)
            {
                auto extended = sequence;
                extended.push_back(token);
                auto const bad = std::any_of(
                    words.begin(), words.end(), [&](auto const& word) { return endsWith(extended, word); });
                CHECK_EQ(banned.count(token) > 0, bad || (ngram > 0 && repeatsLast(extended, ngram)));
            }
            sequence.push_back(static_cast<TokenIdType>(upTo(kTokens - 1)));
            bans.accept(sequence.back());
        }
    }
}
