#pragma once

#include <stdexcept>
#include <string>

namespace tensorrt_llm::executor::embedded
{

/// Why an engine cannot be loaded.
class LoadError : public std::runtime_error
{
public:
    enum class Kind
    {
        kNOT_FOUND,
        kCORRUPT,      // truncated, or no engine at all
        kINCOMPATIBLE, // sound, but not for this executor
        kABORTED,
        kOUT_OF_MEMORY
    };

    LoadError(Kind kind, std::string const& message)
        : std::runtime_error(message)
        , mKind(kind)
    {
    }

    [[nodiscard]] Kind kind() const noexcept
    {
        return mKind;
    }

private:
    Kind mKind;
};

} // namespace tensorrt_llm::executor::embedded
