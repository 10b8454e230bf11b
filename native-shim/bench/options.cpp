#include "options.h"

#include <algorithm>

Options::Options(int argc, char const* const* argv, std::vector<std::string> const& known)
{
    for (int i = 1; i < argc; i += 2)
    {
        std::string const name = argv[i];
        if (std::find(known.begin(), known.end(), name) == known.end())
        {
            throw UsageError("unknown option " + name);
        }
        if (i + 1 == argc)
        {
            throw UsageError(name + " needs a value");
        }
        mValues[name] = argv[i + 1];
    }
}

bool Options::has(std::string const& name) const
{
    return mValues.count(name) > 0;
}

std::string Options::text(std::string const& name) const
{
    auto const found = mValues.find(name);
    if (found == mValues.end())
    {
        throw UsageError(name + " is missing");
    }
    return found->second;
}

int Options::number(std::string const& name, int fallback, int least, int most) const
{
    auto const found = mValues.find(name);
    if (found == mValues.end())
    {
        return fallback;
    }
    auto const& value = found->second;
    bool const digits = !value.empty() && value.size() <= 9 && value.find_first_not_of("0123456789") == value.npos;
    int const number = digits ? std::stoi(value) : -1;
    if (number < least || number > most)
    {
        throw UsageError(name + " is " + value + "; expected a whole number from " + std::to_string(least) + " to "
            + std::to_string(most));
    }
    return number;
}
