// Reads one JSON object strictly: what is unknown, of the wrong type or out of range is
// TRTLLM_ERR_INVALID_ARGUMENT with a message that names the field.
#pragma once

#include "status.h"

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trtllm_shim
{

class JsonObject
{
public:
    /// `name`: the field that holds the object, "" for the document itself. Refers to `value`.
    JsonObject(nlohmann::json const& value, std::string name, std::initializer_list<std::string_view> keys);

    /// Null where the key is absent, as with every function below.
    [[nodiscard]] nlohmann::json const* find(std::string_view key) const;

    [[nodiscard]] std::optional<std::string> string(std::string_view key) const;
    [[nodiscard]] std::optional<bool> boolean(std::string_view key) const;
    [[nodiscard]] std::optional<std::int32_t> integer(std::string_view key, std::int32_t least,
        std::int32_t most = std::numeric_limits<std::int32_t>::max()) const;
    [[nodiscard]] std::optional<std::vector<std::int32_t>> integers(
        std::string_view key, std::int32_t least, std::int32_t most) const;
    /// Null where the value is no such array.
    [[nodiscard]] static std::optional<std::vector<std::int32_t>> integerArray(
        nlohmann::json const& values, std::int32_t least, std::int32_t most);
    [[nodiscard]] std::optional<std::uint64_t> unsignedInteger(std::string_view key) const;
    [[nodiscard]] std::optional<std::vector<std::string>> strings(std::string_view key) const;

    /// `expected`: `inRange` in words.
    template <typename Range>
    [[nodiscard]] std::optional<float> number(std::string_view key, Range inRange, char const* expected) const
    {
        auto const* value = find(key);
        if (value == nullptr)
        {
            return std::nullopt;
        }
        auto const number = finite(*value);
        if (!number || !inRange(*number))
        {
            refuse(key, *value, expected);
        }
        return number;
    }

    /// Null where the value is no number, or one beyond float's range.
    [[nodiscard]] static std::optional<float> finite(nlohmann::json const& value);

    [[noreturn]] void refuse(std::string_view key, nlohmann::json const& value, std::string const& expected) const;

private:
    [[nodiscard]] std::string path(std::string_view key) const;

    nlohmann::json const& mValue;
    std::string mName;
};

/// Parses `text` and runs `read` on it. What the parser or a setter of the executor API refuses is an argument
/// that is wrong, whatever they throw. `document`: what the text is, for the message.
template <typename Read>
auto readJson(std::string_view text, char const* document, Read read)
{
    try
    {
        return read(nlohmann::json::parse(text));
    }
    catch (StatusError const&)
    {
        throw;
    }
    catch (std::bad_alloc const&)
    {
        throw;
    }
    catch (std::exception const& error)
    {
        throw StatusError(TRTLLM_ERR_INVALID_ARGUMENT, std::string("The ") + document + " is refused: " + error.what());
    }
}

} // namespace trtllm_shim
