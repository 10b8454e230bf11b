#include "json_object.h"

#include "text.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace trtllm_shim
{

namespace
{

constexpr std::size_t kShownBytes = 60;

std::string show(nlohmann::json const& value)
{
    auto const text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    auto const shown = cutUtf8(text, kShownBytes);
    return shown.size() < text.size() ? std::string(shown) + "…" : text;
}

std::optional<std::int32_t> integerWithin(nlohmann::json const& value, std::int32_t least, std::int32_t most)
{
    // Beyond int64 a number is unsigned, and would turn negative.
    auto const fits
        = value.is_number_unsigned() ? value.get<std::uint64_t>() <= INT32_MAX : value.is_number_integer();
    if (!fits || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most)
    {
        return std::nullopt;
    }
    return value.get<std::int32_t>();
}

std::string range(std::int32_t least, std::int32_t most)
{
    return "from " + std::to_string(least) + " to " + std::to_string(most);
}

} // namespace

JsonObject::JsonObject(nlohmann::json const& value, std::string name, std::initializer_list<std::string_view> keys)
    : mValue(value)
    , mName(std::move(name))
{
    if (!value.is_object())
    {
        throw StatusError(TRTLLM_ERR_INVALID_ARGUMENT,
            (mName.empty() ? "The JSON document" : mName) + " is " + show(value) + "; expected an object.");
    }
    for (auto const& item : value.items())
    {
        if (std::find(keys.begin(), keys.end(), item.key()) == keys.end())
        {
            auto message = "Unknown key \"" + path(item.key()) + "\"; known are";
            auto separator = " ";
            for (auto const key : keys)
            {
                message.append(separator).append(key);
                separator = ", ";
            }
            throw StatusError(TRTLLM_ERR_INVALID_ARGUMENT, message + ".");
        }
    }
}

nlohmann::json const* JsonObject::find(std::string_view key) const
{
    auto const found = mValue.find(std::string(key));
    return found == mValue.end() ? nullptr : &*found;
}

std::optional<std::string> JsonObject::string(std::string_view key) const
{
    auto const* value = find(key);
    if (value == nullptr)
    {
        return std::nullopt;
    }
    if (!value->is_string())
    {
        refuse(key, *value, "a string");
    }
    return value->get<std::string>();
}

std::optional<bool> JsonObject::boolean(std::string_view key) const
{
    auto const* value = find(key);
    if (value == nullptr)
    {
        return std::nullopt;
    }
    if (!value->is_boolean())
    {
        refuse(key, *value, "true or false");
    }
    return value->get<bool>();
}

std::optional<std::int32_t> JsonObject::integer(std::string_view key, std::int32_t least, std::int32_t most) const
{
    auto const* value = find(key);
    if (value == nullptr)
    {
        return std::nullopt;
    }
    auto const number = integerWithin(*value, least, most);
    if (!number)
    {
        refuse(key, *value, "an integer " + range(least, most));
    }
    return number;
}

std::optional<std::vector<std::int32_t>> JsonObject::integers(
    std::string_view key, std::int32_t least, std::int32_t most) const
{
    auto const* values = find(key);
    if (values == nullptr)
    {
        return std::nullopt;
    }
    auto numbers = integerArray(*values, least, most);
    if (!numbers)
    {
        refuse(key, *values, "an array of integers " + range(least, most));
    }
    return numbers;
}

std::optional<std::vector<std::int32_t>> JsonObject::integerArray(
    nlohmann::json const& values, std::int32_t least, std::int32_t most)
{
    if (!values.is_array())
    {
        return std::nullopt;
    }
    std::vector<std::int32_t> numbers;
    for (auto const& value : values)
    {
        auto const number = integerWithin(value, least, most);
        if (!number)
        {
            return std::nullopt;
        }
        numbers.push_back(*number);
    }
    return numbers;
}

std::optional<std::uint64_t> JsonObject::unsignedInteger(std::string_view key) const
{
    auto const* value = find(key);
    if (value == nullptr)
    {
        return std::nullopt;
    }
    if (!value->is_number_unsigned())
    {
        refuse(key, *value, "an integer of at least 0");
    }
    return value->get<std::uint64_t>();
}

std::optional<std::vector<std::string>> JsonObject::strings(std::string_view key) const
{
    auto const* values = find(key);
    if (values == nullptr)
    {
        return std::nullopt;
    }
    auto const isString = [](nlohmann::json const& value) { return value.is_string(); };
    if (!values->is_array() || !std::all_of(values->begin(), values->end(), isString))
    {
        refuse(key, *values, "an array of strings");
    }
    return values->get<std::vector<std::string>>();
}

void JsonObject::refuse(std::string_view key, nlohmann::json const& value, std::string const& expected) const
{
    throw StatusError(
        TRTLLM_ERR_INVALID_ARGUMENT, "\"" + path(key) + "\" is " + show(value) + "; expected " + expected + ".");
}

std::optional<float> JsonObject::finite(nlohmann::json const& value)
{
    if (!value.is_number())
    {
        return std::nullopt;
    }
    auto const number = value.get<double>();
    // A double beyond float's range may not be narrowed.
    if (!(std::abs(number) <= std::numeric_limits<float>::max()))
    {
        return std::nullopt;
    }
    return static_cast<float>(number);
}

std::string JsonObject::path(std::string_view key) const
{
    return (mName.empty() ? "" : mName + ".") + std::string(key);
}

} // namespace trtllm_shim
