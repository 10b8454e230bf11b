// A small test harness: TEST("a sentence") { CHECK(...); }. The first failed check ends its test.
// Check on the test's own thread only.
#pragma once

#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace check
{

struct Failure : std::runtime_error
{
    using std::runtime_error::runtime_error;
};

using Body = void (*)();

/// Adds a test to those that main runs.
struct Registration
{
    Registration(char const* name, Body body);
};

inline void that(bool holds, char const* expression, char const* file, int line, std::string const& values = {})
{
    if (!holds)
    {
        throw Failure(std::string(file) + ":" + std::to_string(line) + ": " + expression + values);
    }
}

template <typename T, typename = void>
struct IsPrintable : std::false_type
{
};

template <typename T>
struct IsPrintable<T, std::void_t<decltype(std::declval<std::ostream&>() << std::declval<T const&>())>> : std::true_type
{
};

template <typename T>
std::string show(T const& value)
{
    std::ostringstream text;
    if constexpr (std::is_enum_v<T>)
    {
        text << static_cast<long long>(value);
    }
    else if constexpr (IsPrintable<T>::value)
    {
        text << value;
    }
    else
    {
        text << "(" << sizeof(T) << " bytes)";
    }
    return text.str();
}

template <typename Left, typename Right>
void equal(Left const& left, Right const& right, char const* expression, char const* file, int line)
{
    if (!(left == right))
    {
        that(false, expression, file, line, ": " + show(left) + " and " + show(right));
    }
}

} // namespace check

#define CHECK_JOIN_(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN_(a, b)
#define TEST(name)                                                                                                     \
    static void CHECK_JOIN(test_, __LINE__)();                                                                         \
    static ::check::Registration const CHECK_JOIN(registration_, __LINE__){name, &CHECK_JOIN(test_, __LINE__)};        \
    static void CHECK_JOIN(test_, __LINE__)()
#define CHECK(...) ::check::that(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
#define CHECK_EQ(left, right) ::check::equal(left, right, #left " == " #right, __FILE__, __LINE__)
#define CHECK_THROWS(...)                                                                                              \
    do                                                                                                                 \
    {                                                                                                                  \
        bool threw = false;                                                                                            \
        try                                                                                                            \
        {                                                                                                              \
            static_cast<void>(__VA_ARGS__);                                                                            \
        }                                                                                                              \
        catch (std::exception const&)                                                                                  \
        {                                                                                                              \
            threw = true;                                                                                              \
        }                                                                                                              \
        ::check::that(threw, #__VA_ARGS__ " throws", __FILE__, __LINE__);                                              \
    } while (false)
