// Bounds what XGrammar may do with a grammar that somebody sent: time and stack.
#pragma once

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>

namespace tensorrt_llm::executor::embedded
{

/// The grammar is wrong, cannot be supported, or takes too much: the request's fault, told in what().
class GrammarError : public std::runtime_error
{
public:
    using std::runtime_error::runtime_error;
};

/// While it lives, XGrammar calls on this thread throw GrammarError when they have computed for so long, when `stop`
/// turns true, or when they recurse too deep; what they warn of is collected.
class WorkLimit
{
public:
    WorkLimit(std::chrono::milliseconds time, std::atomic<bool> const& stop);
    ~WorkLimit();
    WorkLimit(WorkLimit const&) = delete;
    WorkLimit& operator=(WorkLimit const&) = delete;

    /// Empty where there was none.
    [[nodiscard]] std::string const& warning() const;
    void warn(std::string const& message);
    void check() const;

private:
    std::chrono::milliseconds mTime;
    std::chrono::nanoseconds mEnd; // of the thread's own clock: others may keep it from running
    std::atomic<bool> const& mStop;
    char const* mStack;
    std::string mWarning;
};

/// What XGrammar's sources call.
void checkpoint();

} // namespace tensorrt_llm::executor::embedded
