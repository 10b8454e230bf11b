// Setters that not every executor, and not every release of TensorRT-LLM, declares.
#pragma once

#include "status.h"

#include <optional>
#include <string>
#include <type_traits>

/// Calls a setter by its name, where its target has it.
#define TRTLLM_SETTER(name)                                                                                            \
    [](auto& target, auto const& value) -> decltype(target.name(value)) { return target.name(value); }

namespace trtllm_shim
{

template <typename Setter>
struct SetterArgumentOf;

template <typename Class, typename Value>
struct SetterArgumentOf<void (Class::*)(Value)>
{
    using Type = std::decay_t<Value>;
};

/// The type that `setter`, a member function, takes. So a class that is not declared everywhere needs no name.
template <auto setter>
using SetterArgument = typename SetterArgumentOf<decltype(setter)>::Type;

[[noreturn]] inline void refuseUndeclared(char const* option)
{
    throw StatusError(TRTLLM_ERR_UNSUPPORTED,
        std::string("The executor behind this library has no ") + option
            + ". Leave it out; docs/configuration.md says which executor has what.");
}

/// Calls `set(target, value)` where the setter inside exists, else refuses the option by name. `set` is a generic
/// lambda whose trailing return type names the setter: the headers decide.
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
        refuseUndeclared(option);
    }
}

/// Nothing where no value is given.
template <typename Set, typename Target, typename Value>
void setIfGiven(Set set, Target& target, std::optional<Value> const& value, char const* option)
{
    if (value)
    {
        setIfDeclared(set, target, *value, option);
    }
}

} // namespace trtllm_shim
