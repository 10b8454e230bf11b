#include "guided_decoding.h"

#include <utility>

namespace trtllm_shim
{

namespace tle = tensorrt_llm::executor;

std::optional<tle::GuidedDecodingParams> guidedDecodingParams(JsonObject const& request)
{
    using GuideType = tle::GuidedDecodingParams::GuideType;
    constexpr auto key = "guided";
    auto const* const value = request.find(key);
    if (value == nullptr)
    {
        return std::nullopt;
    }
    JsonObject const guided(*value, key, {"json", "jsonSchema", "regex", "grammar"});
    if (value->size() != 1)
    {
        request.refuse(key, *value, "exactly one of \"json\", \"jsonSchema\", \"regex\" and \"grammar\"");
    }
    if (auto const json = guided.boolean("json"))
    {
        if (!*json)
        {
            guided.refuse("json", *guided.find("json"), "true");
        }
        return tle::GuidedDecodingParams(GuideType::kJSON);
    }
    std::pair<char const*, GuideType> const kinds[]{{"jsonSchema", GuideType::kJSON_SCHEMA},
        {"regex", GuideType::kREGEX}, {"grammar", GuideType::kEBNF_GRAMMAR}};
    for (auto const& [name, type] : kinds)
    {
        if (auto text = guided.string(name))
        {
            return tle::GuidedDecodingParams(type, std::move(text));
        }
    }
    return std::nullopt;
}

tle::GuidedDecodingConfig guidedDecodingConfig(Vocabulary const& vocabulary)
{
    std::vector<std::string> texts;
    for (auto& piece : vocabulary.pieces())
    {
        texts.push_back(piece.control ? std::string() : std::move(piece.bytes));
    }
    return tle::GuidedDecodingConfig(tle::GuidedDecodingConfig::GuidedDecodingBackend::kXGRAMMAR, std::move(texts),
        std::nullopt, vocabulary.endIds());
}

} // namespace trtllm_shim
