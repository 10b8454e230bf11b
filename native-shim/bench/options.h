#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

class UsageError : public std::runtime_error
{
public:
    using std::runtime_error::runtime_error;
};

/// Command-line options of the form `--name value`.
class Options
{
public:
    /// Throws UsageError for a name that is not in `known`, and for one without a value.
    Options(int argc, char const* const* argv, std::vector<std::string> const& known);

    [[nodiscard]] bool has(std::string const& name) const;
    [[nodiscard]] std::string text(std::string const& name) const;
    [[nodiscard]] int number(std::string const& name, int fallback, int least, int most) const;

private:
    std::map<std::string, std::string> mValues;
};
