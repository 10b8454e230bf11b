#include "guided/regex.h"

#include "guided/work_limit.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

namespace
{

struct Range
{
    std::uint32_t first;
    std::uint32_t last;
};

using Ranges = std::vector<Range>;

constexpr std::uint32_t kLast = 0x10ffff;
constexpr Range kAscii{0, 0x7f};
constexpr Range kBeyondAscii{0x80, kLast};
constexpr std::uint32_t kMaxListed = 512;
Ranges const kDigits{{'0', '9'}};
Ranges const kWord{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
Ranges const kSpace{{'\t', '\r'}, {' ', ' '}};
Ranges const kLineEnds{{'\n', '\n'}, {'\r', '\r'}};
/// What a JSON string holds only escaped, or not at all.
Ranges const kEscapedInJson{{0, 0x1f}, {'"', '"'}, {'\\', '\\'}};
constexpr std::pair<char, char> kJsonEscapes[]{
    {'"', '"'}, {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}};

/// Sorted, without overlaps.
Ranges normalized(Ranges ranges)
{
    std::sort(ranges.begin(), ranges.end(), [](Range a, Range b) { return a.first < b.first; });
    Ranges result;
    for (auto const range : ranges)
    {
        if (!result.empty() && range.first <= result.back().last + 1)
        {
            result.back().last = std::max(result.back().last, range.last);
        }
        else
        {
            result.push_back(range);
        }
    }
    return result;
}

Ranges complement(Ranges const& ranges)
{
    Ranges result;
    std::uint32_t next = 0;
    for (auto const range : normalized(ranges))
    {
        if (range.first > next)
        {
            result.push_back({next, range.first - 1});
        }
        next = range.last + 1;
    }
    if (next <= kLast)
    {
        result.push_back({next, kLast});
    }
    return result;
}

Ranges without(Ranges const& ranges, Ranges const& removed)
{
    auto outside = complement(ranges);
    outside.insert(outside.end(), removed.begin(), removed.end());
    return complement(outside);
}

bool contains(Ranges const& ranges, std::uint32_t codepoint)
{
    return std::any_of(ranges.begin(), ranges.end(),
        [&](Range range) { return range.first <= codepoint && codepoint <= range.last; });
}

std::string codepoint(std::uint32_t value)
{
    char text[16];
    std::snprintf(text, sizeof(text), "\\u{%x}", value);
    return text;
}

/// A class of XGrammar's, which reads ASCII right but takes what lies beyond for single bytes.
std::string bracket(Ranges ranges, char const* open)
{
    if (ranges.size() == 1 && ranges.front().first == ranges.front().last && open[1] == '\0')
    {
        return codepoint(ranges.front().first);
    }
    // "^" at the beginning would negate even as an escape.
    if (ranges.front().first == '^' && ranges.front().last > '^')
    {
        ranges.front().first += 1;
        ranges.push_back({'^', '^'});
    }
    else if (ranges.front().first == '^' && ranges.size() > 1)
    {
        std::rotate(ranges.begin(), ranges.begin() + 1, ranges.end());
    }
    std::string text = open;
    for (auto const range : ranges)
    {
        text += codepoint(range.first) + (range.last > range.first ? "-" + codepoint(range.last) : "");
    }
    return text + "]";
}

class Rewriter
{
public:
    Rewriter(std::string const& regex, bool inJsonString)
        : mRegex(regex)
        , mInJsonString(inJsonString)
    {
    }

    std::string run()
    {
        if (peek() == '^')
        {
            ++mAt;
        }
        std::string result;
        while (mAt < mRegex.size())
        {
            result += element();
        }
        // Grouped, because XGrammar puts a pattern beside the quotes as it is.
        return "(" + result + ")";
    }

private:
    [[noreturn]] void refuse(std::string const& what) const
    {
        throw GrammarError("regular expression, position " + std::to_string(mAt) + ": " + what);
    }

    [[nodiscard]] char peek(std::size_t ahead = 0) const
    {
        return mAt + ahead < mRegex.size() ? mRegex[mAt + ahead] : '\0';
    }

    std::string element()
    {
        switch (peek())
        {
        case '.': ++mAt; return set(complement(kLineEnds));
        case '[': return set(characterClass());
        case '\\': return set(escape(false));
        case '^': refuse("^ is possible at the beginning only");
        case '$':
            if (mAt + 1 < mRegex.size())
            {
                refuse("$ is possible at the end only");
            }
            ++mAt;
            return "";
        case '(': return group();
        case ')':
        case '|':
        case '*':
        case '+':
        case '?':
        case '{':
        case '}':
        case ',':
        {
            // XGrammar checks how these follow each other. A comma is a literal outside of {n,m}.
            if (peek() == '{')
            {
                return repetition();
            }
            if (peek() != ',' && peek() != '}')
            {
                return std::string(1, mRegex[mAt++]);
            }
            break;
        }
        default: break;
        }
        auto const literal = nextCodepoint();
        return set({{literal, literal}});
    }

    std::string group()
    {
        ++mAt;
        if (peek() != '?')
        {
            return "(";
        }
        if (peek(1) == ':')
        {
            mAt += 2;
            return "(";
        }
        if (peek(1) == '<' && peek(2) != '=' && peek(2) != '!')
        {
            auto const end = mRegex.find('>', mAt);
            if (end != std::string::npos)
            {
                mAt = end + 1;
                return "(";
            }
        }
        refuse("look-around and flags are not supported");
    }

    std::string repetition()
    {
        auto const end = mRegex.find('}', mAt);
        if (end == std::string::npos)
        {
            refuse("{ has no }");
        }
        auto const text = mRegex.substr(mAt, end + 1 - mAt);
        mAt = end + 1;
        return text;
    }

    Ranges characterClass()
    {
        ++mAt;
        bool const negated = peek() == '^';
        mAt += negated ? 1 : 0;
        Ranges ranges;
        while (peek() != ']')
        {
            if (mAt >= mRegex.size())
            {
                refuse("[ has no ]");
            }
            auto const first = classAtom();
            bool const single = first.size() == 1 && first.front().first == first.front().last;
            if (single && peek() == '-' && peek(1) != ']' && peek(1) != '\0')
            {
                ++mAt;
                auto const last = classAtom();
                if (last.size() != 1 || last.front().first != last.front().last
                    || last.front().first < first.front().first)
                {
                    refuse("the range is out of order");
                }
                ranges.push_back({first.front().first, last.front().first});
            }
            else
            {
                ranges.insert(ranges.end(), first.begin(), first.end());
            }
        }
        ++mAt;
        return negated ? complement(ranges) : normalized(ranges);
    }

    Ranges classAtom()
    {
        if (peek() == '\\')
        {
            return escape(true);
        }
        auto const literal = nextCodepoint();
        return {{literal, literal}};
    }

    Ranges escape(bool inClass)
    {
        auto const name = peek(1);
        mAt += 2;
        auto const one = [](std::uint32_t value) { return Ranges{{value, value}}; };
        switch (name)
        {
        case '\0': refuse("\\ is the last character");
        case 'd': return kDigits;
        case 'D': return complement(kDigits);
        case 'w': return kWord;
        case 'W': return complement(kWord);
        case 's': return kSpace;
        case 'S': return complement(kSpace);
        case 'n': return one('\n');
        case 'r': return one('\r');
        case 't': return one('\t');
        case 'f': return one('\f');
        case 'v': return one('\v');
        case '0': return one(0);
        case 'x': return one(hexadecimal(2));
        case 'u': return one(unicode());
        case 'c': return one(static_cast<std::uint32_t>(mRegex[mAt++] % 32));
        case 'b':
            if (inClass)
            {
                return one('\b');
            }
            break;
        default:
            if (std::strchr("^$\\.*+?()[]{}|/-,\"'&#!%:;<>=@`~ ", name) != nullptr)
            {
                return one(static_cast<unsigned char>(name));
            }
        }
        refuse(std::string("\\") + name + " is not supported");
    }

    std::uint32_t hexadecimal(std::size_t digits)
    {
        auto const text = mRegex.substr(std::min(mAt, mRegex.size()), digits);
        if (text.size() != digits || text.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
        {
            refuse("a code of " + std::to_string(digits) + " hexadecimal digits is expected");
        }
        mAt += digits;
        return static_cast<std::uint32_t>(std::stoul(text, nullptr, 16));
    }

    std::uint32_t unicode()
    {
        if (peek() != '{')
        {
            return hexadecimal(4);
        }
        auto const end = mRegex.find('}', mAt);
        if (end == std::string::npos || end - mAt < 2 || end - mAt > 7)
        {
            refuse("\\u{ has no code of up to six digits");
        }
        ++mAt;
        auto const value = hexadecimal(end - mAt);
        ++mAt;
        if (value > kLast)
        {
            refuse("no character has this code");
        }
        return value;
    }

    std::uint32_t nextCodepoint()
    {
        auto const lead = static_cast<unsigned char>(mRegex[mAt]);
        std::size_t const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        std::uint32_t value = length == 1 ? lead : lead & (0xffu >> (length + 1));
        for (std::size_t i = 1; i < length; ++i)
        {
            value = value << 6 | (static_cast<unsigned char>(peek(i)) & 0x3fu);
        }
        mAt += length;
        return value;
    }

    /// One character out of `ranges`.
    [[nodiscard]] std::string set(Ranges const& ranges) const
    {
        std::vector<std::string> choices;
        auto const plain = mInJsonString ? without(ranges, kEscapedInJson) : ranges;
        auto const ascii = without(plain, {kBeyondAscii});
        auto const beyond = without(plain, {kAscii});
        if (!beyond.empty() && beyond.front().first == kBeyondAscii.first && beyond.front().last == kLast)
        {
            auto const excluded = without({kAscii}, ascii);
            choices.push_back(bracket(excluded.empty() ? Ranges{{kAscii.last, kAscii.last}} : excluded, "[^"));
            if (excluded.empty())
            {
                choices.push_back(codepoint(kAscii.last));
            }
        }
        else
        {
            if (!ascii.empty())
            {
                choices.push_back(bracket(ascii, "["));
            }
            list(beyond, choices);
        }
        for (auto const& [character, escaped] : kJsonEscapes)
        {
            if (mInJsonString && contains(ranges, static_cast<unsigned char>(character)))
            {
                choices.push_back("\\\\" + codepoint(static_cast<unsigned char>(escaped)));
            }
        }
        if (choices.empty())
        {
            refuse("no character fits here");
        }
        std::string text;
        for (auto const& choice : choices)
        {
            text += (text.empty() ? "(" : "|") + choice;
        }
        return text + ")";
    }

    void list(Ranges const& ranges, std::vector<std::string>& choices) const
    {
        for (auto const range : ranges)
        {
            if (choices.size() + (range.last - range.first) > kMaxListed)
            {
                refuse("a class may hold at most " + std::to_string(kMaxListed)
                    + " characters beyond ASCII, or all of them");
            }
            for (auto character = range.first; character <= range.last; ++character)
            {
                choices.push_back(codepoint(character));
            }
        }
    }

    std::string const& mRegex;
    bool mInJsonString;
    std::size_t mAt{0};
};

} // namespace

std::string rewriteRegex(std::string const& regex)
{
    return Rewriter(regex, false).run();
}

std::string rewriteRegexInJsonString(std::string const& regex)
{
    return Rewriter(regex, true).run();
}

} // namespace tensorrt_llm::executor::embedded
