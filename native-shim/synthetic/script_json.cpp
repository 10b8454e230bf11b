#include "script_json.h"

#include "json_object.h"

#include <utility>

namespace synthetic
{

namespace
{

using trtllm_shim::JsonObject;

std::optional<Fault> fault(JsonObject const& object, char const* key)
{
    constexpr std::pair<char const*, Fault> names[] = {{"segfault", Fault::kSEGFAULT}, {"abort", Fault::kABORT},
        {"exit", Fault::kEXIT}, {"hang", Fault::kHANG}, {"exception", Fault::kEXCEPTION}};
    auto const given = object.string(key);
    if (!given)
    {
        return std::nullopt;
    }
    for (auto const& [name, value] : names)
    {
        if (*given == name)
        {
            return value;
        }
    }
    object.refuse(key, *given, "segfault, abort, exit, hang or exception");
}

} // namespace

Script parseScript(nlohmann::json const& options)
{
    JsonObject const object(options, "synthetic",
        {"stepDelayMs", "tokensPerSecond", "tokensPerResponse", "vocabularySize", "maxSequenceTokens", "vocabulary",
            "brokenNames", "progress", "loadUntilStopped", "ignoresStop", "loadError", "noMemory", "oddError", "replacesHandlers", "loadFault", "fault",
            "faultAfterSteps"});
    auto const notNegative = [](float value) { return value >= 0.0f; };
    constexpr auto expected = "a number of at least 0";
    Script script;
    script.stepDelay = decltype(script.stepDelay)(object.number("stepDelayMs", notNegative, expected).value_or(0.0f));
    script.tokensPerSecond = object.number("tokensPerSecond", notNegative, expected).value_or(0.0f);
    script.tokensPerResponse = object.integer("tokensPerResponse", 1).value_or(script.tokensPerResponse);
    script.vocabularySize = object.integer("vocabularySize", 1000).value_or(script.vocabularySize);
    script.maxSequenceTokens = object.integer("maxSequenceTokens", 2).value_or(script.maxSequenceTokens);
    script.vocabulary = object.boolean("vocabulary").value_or(script.vocabulary);
    script.brokenNames = object.boolean("brokenNames").value_or(script.brokenNames);
    if (auto const* progress = object.find("progress"))
    {
        script.progress = progress->get<std::vector<float>>();
    }
    script.loadUntilStopped = object.boolean("loadUntilStopped").value_or(script.loadUntilStopped);
    script.ignoresStop = object.boolean("ignoresStop").value_or(script.ignoresStop);
    script.loadError = object.string("loadError").value_or(script.loadError);
    script.noMemory = object.boolean("noMemory").value_or(script.noMemory);
    script.oddError = object.boolean("oddError").value_or(script.oddError);
    script.replacesHandlers = object.boolean("replacesHandlers").value_or(script.replacesHandlers);
    script.loadFault = fault(object, "loadFault");
    script.fault = fault(object, "fault");
    script.faultAfterSteps = object.integer("faultAfterSteps", 0).value_or(script.faultAfterSteps);
    return script;
}

} // namespace synthetic
