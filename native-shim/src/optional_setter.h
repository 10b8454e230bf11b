// Setters that not every release of TensorRT-LLM declares.
#pragma once

#include "status.h"

#include <string>
#include <type_traits>

namespace trtllm_shim
{

/// Calls `set(target, value)` where the setter inside exists, else refuses the option by name. `set` is a generic
/// lambda whose trailing return type names the setter: the release's headers decide.
template <typename Set, typename Target, typename Value>
void setIfDeclared(
    [[maybe_unused]] Set set, [[maybe_unused]] Target& target, [[maybe_unused]] Value const& value, char const* option)
{
    if constexpr (std::is_invocable_v<Set, Target&, Value const&>)
    {
        set(target, value);
    }
    else
    {
        throw StatusError(TRTLLM_ERR_UNSUPPORTED,
            std::string("The release of TensorRT-LLM below has no ") + option + ". Leave it out.");
    }
}

} // namespace trtllm_shim
