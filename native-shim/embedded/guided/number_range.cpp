#include "guided/number_range.h"

#include "guided/work_limit.h"

#include <algorithm>
#include <tuple>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

namespace
{

constexpr auto kAnyDigits = "[0-9]*";
constexpr auto kAnyFraction = "(\".\" [0-9]+)?";

struct Decimal
{
    bool negative{false};
    std::string whole;    // no leading zeros but "0"
    std::string fraction; // no trailing zeros
};

Decimal parse(std::string text)
{
    Decimal result;
    result.negative = text[0] == '-';
    text.erase(0, result.negative ? 1 : 0);
    auto const point = text.find('.');
    result.whole = text.substr(0, point);
    result.fraction = point == std::string::npos ? "" : text.substr(point + 1);
    result.fraction.erase(result.fraction.find_last_not_of('0') + 1);
    result.negative = result.negative && (result.whole != "0" || !result.fraction.empty());
    return result;
}

int compare(std::string const& a, std::string const& b)
{
    return a.size() != b.size() ? (a.size() < b.size() ? -1 : 1) : a.compare(b);
}

bool below(Decimal const& a, Decimal const& b)
{
    if (a.negative != b.negative)
    {
        return a.negative;
    }
    auto const whole = compare(a.whole, b.whole);
    auto const order = whole != 0 ? whole : a.fraction.compare(b.fraction);
    return a.negative ? order > 0 : order < 0;
}

std::string successor(std::string digits)
{
    auto place = digits.find_last_not_of('9');
    if (place == std::string::npos)
    {
        return "1" + std::string(digits.size(), '0');
    }
    ++digits[place];
    std::fill(digits.begin() + static_cast<std::ptrdiff_t>(place) + 1, digits.end(), '0');
    return digits;
}

/// Of a number above 0.
std::string predecessor(std::string digits)
{
    auto const place = digits.find_last_not_of('0');
    --digits[place];
    std::fill(digits.begin() + static_cast<std::ptrdiff_t>(place) + 1, digits.end(), '9');
    return digits.size() > 1 && digits[0] == '0' ? digits.substr(1) : digits;
}

class Choices
{
public:
    void add(std::string const& choice)
    {
        mText += (mText.empty() ? "(" : " | ") + choice;
    }

    void addDigit(char first, char last, std::string const& then)
    {
        if (first <= last)
        {
            add("[" + std::string(1, first) + "-" + std::string(1, last) + "] " + then);
        }
    }

    [[nodiscard]] std::string text() const
    {
        return mText + ")";
    }

private:
    std::string mText;
};

std::string literal(std::string const& text)
{
    return "\"" + text + "\"";
}

/// Of the same length, with leading zeros.
std::string digitsBetween(std::string const& least, std::string const& most)
{
    auto const rest = least.size() - 1;
    auto const any = rest == 0 ? std::string() : "[0-9]{" + std::to_string(rest) + "}";
    if (least == most)
    {
        return literal(least);
    }
    if (least[0] == most[0])
    {
        return literal(least.substr(0, 1)) + " " + digitsBetween(least.substr(1), most.substr(1));
    }
    Choices choices;
    if (rest == 0)
    {
        choices.addDigit(least[0], most[0], "");
        return choices.text();
    }
    choices.add(literal(least.substr(0, 1)) + " " + digitsBetween(least.substr(1), std::string(rest, '9')));
    choices.addDigit(static_cast<char>(least[0] + 1), static_cast<char>(most[0] - 1), any);
    choices.add(literal(most.substr(0, 1)) + " " + digitsBetween(std::string(rest, '0'), most.substr(1)));
    return choices.text();
}

std::string wholesBetween(std::string const& least, std::optional<std::string> const& most)
{
    Choices choices;
    for (auto length = least.size(); !most || length <= most->size(); ++length)
    {
        auto const lowest = length == least.size() ? least : "1" + std::string(length - 1, '0');
        if (!most && length > least.size())
        {
            choices.add("[1-9] [0-9]{" + std::to_string(length - 1) + ",}");
            break;
        }
        choices.add(digitsBetween(lowest, most && length == most->size() ? *most : std::string(length, '9')));
    }
    return choices.text();
}

/// Digits after the point, at least one where there is a bound.
std::string fractionAtLeast(std::string const& least)
{
    if (least.empty())
    {
        return kAnyDigits;
    }
    Choices choices;
    choices.addDigit(static_cast<char>(least[0] + 1), '9', kAnyDigits);
    choices.add(literal(least.substr(0, 1)) + " " + fractionAtLeast(least.substr(1)));
    return choices.text();
}

/// May end at once.
std::string fractionAtMost(std::string const& most)
{
    if (most.empty())
    {
        return "\"0\"*";
    }
    Choices choices;
    choices.add("\"\"");
    choices.addDigit('0', static_cast<char>(most[0] - 1), kAnyDigits);
    choices.add(literal(most.substr(0, 1)) + " " + fractionAtMost(most.substr(1)));
    return choices.text();
}

std::string fractionBetween(std::string const& least, std::string const& most)
{
    if (least.empty())
    {
        return fractionAtMost(most);
    }
    if (least[0] == most[0])
    {
        return literal(least.substr(0, 1)) + " " + fractionBetween(least.substr(1), most.substr(1));
    }
    Choices choices;
    choices.add(literal(least.substr(0, 1)) + " " + fractionAtLeast(least.substr(1)));
    choices.addDigit(static_cast<char>(least[0] + 1), static_cast<char>(most[0] - 1), kAnyDigits);
    choices.add(literal(most.substr(0, 1)) + " " + fractionAtMost(most.substr(1)));
    return choices.text();
}

/// "." and digits, or nothing: `digits` may end at once, and a point needs one.
std::string pointAnd(std::string const& most)
{
    Choices choices;
    choices.add("\"\"");
    if (!most.empty())
    {
        Choices digits;
        digits.addDigit('0', static_cast<char>(most[0] - 1), kAnyDigits);
        digits.add(literal(most.substr(0, 1)) + " " + fractionAtMost(most.substr(1)));
        choices.add("\".\" " + digits.text());
    }
    return choices.text();
}

/// Both not negative.
std::string between(Decimal const& least, std::optional<Decimal> const& most, bool integers)
{
    if (integers)
    {
        return wholesBetween(least.whole, most ? std::optional(most->whole) : std::nullopt);
    }
    if (most && least.whole == most->whole)
    {
        auto const fraction = least.fraction.empty() ? pointAnd(most->fraction)
                                                     : "\".\" " + fractionBetween(least.fraction, most->fraction);
        return "(" + literal(least.whole) + " " + fraction + ")";
    }
    Choices choices;
    choices.add(literal(least.whole) + " "
        + (least.fraction.empty() ? kAnyFraction : "\".\" " + fractionAtLeast(least.fraction)));
    auto const next = successor(least.whole);
    if (!most)
    {
        choices.add(wholesBetween(next, std::nullopt) + " " + kAnyFraction);
        return choices.text();
    }
    auto const last = predecessor(most->whole);
    if (compare(next, last) <= 0)
    {
        choices.add(wholesBetween(next, last) + " " + kAnyFraction);
    }
    choices.add(literal(most->whole) + " " + pointAnd(most->fraction));
    return choices.text();
}

/// The nearest integer that is not outside.
Decimal inward(Decimal bound, bool isLeast)
{
    bool const away = !bound.fraction.empty() && bound.negative != isLeast;
    bound.whole = away ? successor(bound.whole) : bound.whole;
    bound.fraction.clear();
    bound.negative = bound.negative && bound.whole != "0";
    return bound;
}

} // namespace

std::string numberRange(
    std::optional<std::string> const& leastText, std::optional<std::string> const& mostText, bool integers)
{
    auto const bound = [&](std::optional<std::string> const& text, bool isLeast) -> std::optional<Decimal>
    {
        if (!text)
        {
            return std::nullopt;
        }
        return integers ? inward(parse(*text), isLeast) : parse(*text);
    };
    auto least = bound(leastText, true);
    auto most = bound(mostText, false);
    if (least && most && below(*most, *least))
    {
        throw GrammarError("no number lies between " + *leastText + " and " + *mostText);
    }
    Decimal const zero{false, "0", ""};
    auto const opposite = [](std::optional<Decimal> value)
    {
        if (value)
        {
            value->negative = false;
        }
        return value;
    };
    Choices choices;
    if (!least || least->negative)
    {
        auto const nearest = most && most->negative ? *opposite(most) : zero;
        choices.add("\"-\" " + between(nearest, opposite(least), integers));
    }
    if (!most || !most->negative)
    {
        choices.add(between(least && !least->negative ? *least : zero, most, integers));
    }
    return choices.text();
}

} // namespace tensorrt_llm::executor::embedded
