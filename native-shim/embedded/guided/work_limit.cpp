#include "guided/work_limit.h"

#include <cstddef>
#include <ctime>

namespace tensorrt_llm::executor::embedded
{

namespace
{

constexpr std::ptrdiff_t kStackBytes = 1 << 20; // of the 2 MiB that a thread has at least
constexpr unsigned kCallsPerClock = 256;

std::chrono::nanoseconds threadTime()
{
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

thread_local WorkLimit* current = nullptr;
thread_local unsigned calls = 0;

} // namespace

WorkLimit::WorkLimit(std::chrono::milliseconds time, std::atomic<bool> const& stop)
    : mTime(time)
    , mEnd(threadTime() + time)
    , mStop(stop)
    , mStack(reinterpret_cast<char const*>(this))
{
    current = this;
}

WorkLimit::~WorkLimit()
{
    current = nullptr;
}

std::string const& WorkLimit::warning() const
{
    return mWarning;
}

void WorkLimit::warn(std::string const& message)
{
    mWarning = message;
}

void WorkLimit::check() const
{
    if (mStop)
    {
        throw GrammarError("the executor is stopping");
    }
    if (threadTime() > mEnd)
    {
        throw GrammarError("the grammar took longer than " + std::to_string(mTime.count())
            + " ms; make it smaller, or its repetitions fewer");
    }
}

void checkpoint()
{
    if (current == nullptr)
    {
        return;
    }
    char here = 0;
    if (reinterpret_cast<char const*>(current) - &here > kStackBytes)
    {
        throw GrammarError("the grammar is nested too deeply");
    }
    if (++calls % kCallsPerClock == 0)
    {
        current->check();
    }
}

} // namespace tensorrt_llm::executor::embedded

// The two functions that XGrammar leaves to its user where XGRAMMAR_LOG_CUSTOMIZE is set.
namespace xgrammar
{

[[noreturn]] void LogFatalImpl(std::string const&, int, std::string const& message);
void LogMessageImpl(std::string const&, int, int, std::string const& message);

void LogFatalImpl(std::string const&, int, std::string const& message)
{
    throw tensorrt_llm::executor::embedded::GrammarError(message);
}

void LogMessageImpl(std::string const&, int, int, std::string const& message)
{
    if (tensorrt_llm::executor::embedded::current != nullptr)
    {
        tensorrt_llm::executor::embedded::current->warn(message);
    }
}

} // namespace xgrammar
