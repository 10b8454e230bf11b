#include "guided/json_schema.h"

#include "guided/number_range.h"
#include "guided/regex.h"
#include "guided/work_limit.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

namespace
{

using Json = nlohmann::ordered_json; // the order of properties is the order of the output
using Keywords = std::vector<std::string_view>;

constexpr int kMaxDepth = 64;
constexpr std::string_view kAnyCharacter = "[\\s\\S]";

/// Everything that restricts a value in drafts 4 to 2020-12; all else is an annotation.
Keywords const kAssertions{"$ref", "$dynamicRef", "$recursiveRef", "const", "enum", "anyOf", "oneOf", "allOf",
    "not", "if", "then", "else", "type", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "minLength", "maxLength", "pattern", "items", "prefixItems", "additionalItems", "unevaluatedItems", "contains",
    "minContains", "maxContains", "minItems", "maxItems", "uniqueItems", "properties", "required",
    "additionalProperties", "unevaluatedProperties", "patternProperties", "propertyNames", "minProperties",
    "maxProperties", "dependencies", "dependentRequired", "dependentSchemas"};

Keywords const kOfNumbers{"multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"};
Keywords const kOfStrings{"minLength", "maxLength", "pattern"};
Keywords const kOfArrays{"items", "prefixItems", "additionalItems", "unevaluatedItems", "contains", "minContains",
    "maxContains", "minItems", "maxItems", "uniqueItems"};
Keywords const kOfObjects{"properties", "required", "additionalProperties", "unevaluatedProperties",
    "patternProperties", "propertyNames", "minProperties", "maxProperties", "dependencies", "dependentRequired",
    "dependentSchemas"};

/// XGrammar copies a property's name into its EBNF as it is.
std::string escapedName(std::string const& name)
{
    auto const quoted = Json(name).dump(-1, ' ', false, Json::error_handler_t::replace);
    std::string escaped;
    for (auto const character : quoted.substr(1, quoted.size() - 2))
    {
        escaped += character == '\\' || character == '"' ? std::string("\\") + character : std::string(1, character);
    }
    return escaped;
}

/// Their syntax; other formats are annotations.
std::map<std::string, std::string> const kFormats = []
{
    std::string const date = "\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])";
    std::string const time = "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)";
    std::string const byte = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
    std::string const label = "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?";
    return std::map<std::string, std::string>{{"date", date}, {"time", time}, {"date-time", date + "T" + time},
        {"ipv4", byte + "(\\." + byte + "){3}"}, {"uuid", "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"},
        {"email", "[A-Za-z0-9_+-]+(\\.[A-Za-z0-9_+-]+)*@" + label + "(\\." + label + ")+"}};
}();

bool holds(Keywords keywords, std::string_view keyword)
{
    return std::find(keywords.begin(), keywords.end(), keyword) != keywords.end();
}

class Preparation
{
public:
    void prepare(Json& schema, std::string const& path)
    {
        if (schema.is_boolean())
        {
            if (!schema.get<bool>())
            {
                refuse(path, "false allows no value");
            }
            return;
        }
        if (!schema.is_object())
        {
            refuse(path, "a schema is an object or a boolean");
        }
        definitions(schema, path);
        for (auto const* const keyword : {"$ref", "const", "enum", "anyOf", "oneOf", "allOf"})
        {
            if (schema.contains(keyword))
            {
                composition(schema, keyword, path);
                return;
            }
        }
        typed(schema, path);
    }

    std::vector<std::pair<std::string, std::string>> takeRules()
    {
        return std::move(mRules);
    }

private:
    [[noreturn]] static void refuse(std::string const& path, std::string const& what)
    {
        throw GrammarError("JSON schema" + (path.empty() ? "" : ", " + path) + ": " + what);
    }

    /// Refuses every assertion that is not in one of `allowed`.
    static void only(Json const& schema, std::string const& path, std::string const& with,
        std::initializer_list<Keywords> allowed)
    {
        for (auto const& [keyword, value] : schema.items())
        {
            bool const fine = !holds(kAssertions, keyword)
                || std::any_of(allowed.begin(), allowed.end(), [&key = keyword](Keywords list) { return holds(list, key); });
            if (!fine)
            {
                refuse(path, "\"" + keyword + "\" " + with + " is not supported by guided decoding");
            }
        }
    }

    void definitions(Json& schema, std::string const& path)
    {
        for (auto const* const key : {"$defs", "definitions"})
        {
            if (schema.contains(key) && schema[key].is_object())
            {
                for (auto& [name, definition] : schema[key].items())
                {
                    prepare(definition, path + "/" + key + "/" + name);
                }
            }
        }
    }

    /// XGrammar reads the first of these keywords and nothing beside it.
    void composition(Json& schema, std::string const& keyword, std::string const& path)
    {
        bool const value = keyword == "const" || keyword == "enum";
        only(schema, path, "beside \"" + keyword + "\"", {{keyword}, value ? Keywords{"type"} : Keywords{}});
        if (keyword == "$ref")
        {
            auto const& target = schema["$ref"];
            if (!target.is_string() || target.get<std::string>().rfind('#', 0) != 0)
            {
                refuse(path, "\"$ref\" must point into the schema itself, such as \"#/$defs/name\"");
            }
            return;
        }
        if (keyword == "enum" && (!schema["enum"].is_array() || schema["enum"].empty()))
        {
            refuse(path, "\"enum\" must be a list of at least one value");
        }
        if (value)
        {
            return;
        }
        auto& choices = schema[keyword];
        if (!choices.is_array() || choices.empty())
        {
            refuse(path, "\"" + keyword + "\" must be a list of at least one schema");
        }
        if (keyword == "allOf" && choices.size() > 1)
        {
            refuse(path, "\"allOf\" of more than one schema is not supported by guided decoding");
        }
        for (std::size_t i = 0; i < choices.size(); ++i)
        {
            prepare(choices[i], path + "/" + keyword + "/" + std::to_string(i));
        }
    }

    void typed(Json& schema, std::string const& path)
    {
        if (!schema.contains("type"))
        {
            impliedType(schema, path);
        }
        auto const types = schema.contains("type") ? schema["type"] : Json::array();
        auto const has = [&](char const* type)
        {
            return types.is_string() ? types == type : std::find(types.begin(), types.end(), type) != types.end();
        };
        if (types.is_array() && schema.contains("type") && types.empty())
        {
            refuse(path, "\"type\" must name at least one type");
        }
        bool const integers = has("integer") && !has("number");
        if (has("integer") || has("number"))
        {
            only(schema, path, integers ? "of an integer" : "of a number",
                {{"type", "minimum", "maximum"}, integers ? Keywords{"exclusiveMinimum", "exclusiveMaximum"} : Keywords{},
                    kOfStrings, kOfArrays, kOfObjects});
            if (schema.contains("minimum") || schema.contains("maximum") || schema.contains("exclusiveMinimum")
                || schema.contains("exclusiveMaximum"))
            {
                number(schema, path, integers);
                return;
            }
        }
        if (has("string"))
        {
            string(schema, path);
        }
        if (has("array"))
        {
            array(schema, path);
        }
        if (has("object"))
        {
            object(schema, path);
        }
        only(schema, path, "here", {{"type"}, kOfNumbers, kOfStrings, kOfArrays, kOfObjects});
    }

    /// Without a type, JSON Schema lets every other type pass; the type that the keywords speak of is enough.
    static void impliedType(Json& schema, std::string const& path)
    {
        std::pair<char const*, Keywords> const kinds[]{
            {"object", kOfObjects}, {"array", kOfArrays}, {"string", kOfStrings}, {"number", kOfNumbers}};
        for (auto const& [type, keywords] : kinds)
        {
            for (auto const keyword : keywords)
            {
                if (schema.contains(keyword))
                {
                    schema["type"] = type;
                    return;
                }
            }
        }
        only(schema, path, "here", {});
    }

    static void string(Json& schema, std::string const& path)
    {
        only(schema, path, "of a string", {{"type"}, kOfStrings, kOfNumbers, kOfArrays, kOfObjects});
        bool const bounded = schema.contains("minLength") || schema.contains("maxLength");
        if (schema.contains("pattern"))
        {
            if (bounded)
            {
                refuse(path, "\"pattern\" with \"minLength\" or \"maxLength\" is not supported by guided decoding");
            }
            if (!schema["pattern"].is_string())
            {
                refuse(path, "\"pattern\" must be a string");
            }
            schema["pattern"] = rewriteRegexInJsonString(schema["pattern"].get<std::string>());
            schema.erase("format"); // an annotation beside it
            return;
        }
        auto const format = schema.find("format");
        auto const known = format != schema.end() && format->is_string() ? kFormats.find(format->get<std::string>())
                                                                         : kFormats.end();
        if (known != kFormats.end())
        {
            if (bounded)
            {
                refuse(path, "\"format\" with \"minLength\" or \"maxLength\" is not supported by guided decoding");
            }
            schema["pattern"] = rewriteRegexInJsonString(known->second);
        }
        schema.erase("format");
        if (bounded)
        {
            auto const least = count(schema, "minLength", path).value_or(0);
            auto const most = count(schema, "maxLength", path);
            if (most && *most < least)
            {
                refuse(path, "\"maxLength\" is below \"minLength\"");
            }
            schema.erase("minLength");
            schema.erase("maxLength");
            schema["pattern"] = rewriteRegexInJsonString(std::string(kAnyCharacter) + "{" + std::to_string(least) + ","
                + (most ? std::to_string(*most) : "") + "}");
        }
    }

    /// A constant in its place, and beside other types a choice of it and them.
    void number(Json& schema, std::string const& path, bool integers)
    {
        auto const least = bound(schema, "minimum", "exclusiveMinimum", 1, path);
        auto const most = bound(schema, "maximum", "exclusiveMaximum", -1, path);
        auto const name = "trtllm-node:number:" + std::to_string(mRules.size());
        mRules.emplace_back(name, numberRange(least, most, integers));
        auto choices = Json::array({{{"const", name}}});
        if (schema["type"].is_array())
        {
            for (auto const& type : schema["type"])
            {
                if (type != "number" && type != "integer")
                {
                    auto other = schema;
                    other["type"] = type;
                    prepare(other, path);
                    choices.push_back(std::move(other));
                }
            }
        }
        schema = {{"anyOf", std::move(choices)}};
    }

    /// The stricter of the two keywords, as a decimal; the exclusive one is for integers alone.
    static std::optional<std::string> bound(
        Json const& schema, char const* inclusive, char const* exclusive, int inward, std::string const& path)
    {
        for (auto const* const keyword : {inclusive, exclusive})
        {
            auto const found = schema.find(keyword);
            if (found != schema.end() && (!found->is_number() || found->dump().find('e') != std::string::npos))
            {
                refuse(path, std::string("\"") + keyword + "\" must be a number that needs no exponent");
            }
        }
        std::optional<std::string> result;
        if (schema.contains(inclusive))
        {
            result = schema[inclusive].dump();
        }
        if (schema.contains(exclusive))
        {
            auto const value = schema[exclusive].get<double>();
            auto const strict = std::int64_t(inward > 0 ? std::floor(value) : std::ceil(value)) + inward;
            bool const stricter = !result || (inward > 0 ? double(strict) > schema[inclusive].get<double>()
                                                         : double(strict) < schema[inclusive].get<double>());
            result = stricter ? std::to_string(strict) : result;
        }
        return result;
    }

    void array(Json& schema, std::string const& path)
    {
        only(schema, path, "of an array",
            {{"type", "items", "prefixItems", "unevaluatedItems", "minItems", "maxItems"}, kOfNumbers, kOfStrings,
                kOfObjects});
        count(schema, "minItems", path);
        auto const most = count(schema, "maxItems", path);
        if (!schema.contains("items") && !schema.contains("prefixItems") && !schema.contains("unevaluatedItems")
            && most.value_or(1) > 0)
        {
            schema["items"] = true; // XGrammar's strictness would allow nothing but []
        }
        if (schema.contains("items") && schema["items"] != false)
        {
            prepare(schema["items"], path + "/items");
        }
        if (schema.contains("prefixItems") && schema["prefixItems"].is_array())
        {
            auto& items = schema["prefixItems"];
            for (std::size_t i = 0; i < items.size(); ++i)
            {
                prepare(items[i], path + "/prefixItems/" + std::to_string(i));
            }
        }
    }

    void object(Json& schema, std::string const& path)
    {
        only(schema, path, "of an object",
            {{"type", "properties", "required", "additionalProperties", "unevaluatedProperties", "minProperties",
                 "maxProperties"},
                kOfNumbers, kOfStrings, kOfArrays});
        count(schema, "minProperties", path);
        count(schema, "maxProperties", path);
        auto const properties = schema.find("properties");
        if (properties != schema.end())
        {
            if (!properties->is_object())
            {
                refuse(path, "\"properties\" must be an object");
            }
            auto escaped = Json::object();
            for (auto& [name, property] : properties->items())
            {
                prepare(property, path + "/properties/" + name);
                escaped[escapedName(name)] = std::move(property);
            }
            *properties = std::move(escaped);
        }
        else if (!schema.contains("additionalProperties") && !schema.contains("unevaluatedProperties"))
        {
            schema["additionalProperties"] = true; // XGrammar's strictness would allow nothing but {}
        }
        if (schema.contains("additionalProperties") && !schema["additionalProperties"].is_boolean())
        {
            prepare(schema["additionalProperties"], path + "/additionalProperties");
        }
        if (!schema.contains("required"))
        {
            return;
        }
        if (!schema["required"].is_array())
        {
            refuse(path, "\"required\" must be a list of names");
        }
        for (auto& name : schema["required"])
        {
            auto const escaped = name.is_string() ? escapedName(name.get<std::string>()) : "";
            if (!name.is_string() || !schema.contains("properties") || !schema["properties"].contains(escaped))
            {
                refuse(path, "\"required\" names " + name.dump() + ", which is not among \"properties\"");
            }
            name = escaped;
        }
    }

    static std::optional<std::int64_t> count(Json const& schema, char const* keyword, std::string const& path)
    {
        auto const found = schema.find(keyword);
        if (found == schema.end())
        {
            return std::nullopt;
        }
        constexpr std::int64_t most = 1'000'000'000;
        if (!found->is_number_integer() || found->get<std::int64_t>() < 0 || found->get<std::int64_t>() > most)
        {
            refuse(path, std::string("\"") + keyword + "\" must be a whole number from 0 to a thousand million");
        }
        return found->get<std::int64_t>();
    }

    std::vector<std::pair<std::string, std::string>> mRules;
};

} // namespace

PreparedSchema prepareJsonSchema(std::string const& text)
{
    Json schema;
    try
    {
        schema = Json::parse(text,
            [](int depth, Json::parse_event_t, Json&)
            {
                if (depth > kMaxDepth)
                {
                    throw GrammarError("JSON schema: nested deeper than " + std::to_string(kMaxDepth) + " levels");
                }
                return true;
            });
    }
    catch (Json::parse_error const& error)
    {
        throw GrammarError(std::string("JSON schema: ") + error.what());
    }
    Preparation preparation;
    preparation.prepare(schema, "");
    return {schema.dump(-1, ' ', true, Json::error_handler_t::replace), preparation.takeRules()};
}

} // namespace tensorrt_llm::executor::embedded
