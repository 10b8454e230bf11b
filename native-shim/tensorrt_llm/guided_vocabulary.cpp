#include "guided_vocabulary.h"

#include "status.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace trtllm_shim
{

namespace
{

namespace fs = std::filesystem;
namespace tle = tensorrt_llm::executor;
using Json = nlohmann::json;

std::string readText(fs::path const& file)
{
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

[[noreturn]] void corrupt(fs::path const& file)
{
    throw StatusError(TRTLLM_ERR_ENGINE_CORRUPT,
        file.string() + " is not a tokenizer as Hugging Face writes them. Put the model's own beside the engine.");
}

void place(std::vector<std::string>& texts, std::int64_t id, std::string text)
{
    if (id >= 0 && id < static_cast<std::int64_t>(texts.size()))
    {
        texts[static_cast<std::size_t>(id)] = std::move(text);
    }
}

/// Of generation_config.json, which has one id or a list.
std::optional<std::vector<tle::TokenIdType>> stopTokens(fs::path const& directory)
{
    std::ifstream stream(directory / "generation_config.json");
    auto const config = Json::parse(stream, nullptr, false);
    auto const ids = config.is_object() ? config.value("eos_token_id", Json()) : Json();
    if (ids.is_number_integer())
    {
        return std::vector<tle::TokenIdType>{ids.get<tle::TokenIdType>()};
    }
    return ids.is_array() ? std::optional(ids.get<std::vector<tle::TokenIdType>>()) : std::nullopt;
}

} // namespace

std::vector<std::string> tokenTexts(fs::path const& tokenizer, std::int32_t vocabularySize)
{
    auto const json = Json::parse(readText(tokenizer), nullptr, false);
    auto const model = json.is_object() ? json.value("model", Json()) : Json();
    auto const vocabulary = model.is_object() ? model.value("vocab", Json()) : Json();
    std::vector<std::string> texts(static_cast<std::size_t>(vocabularySize));
    try
    {
        if (vocabulary.is_object()) // BPE, WordPiece, WordLevel: ids by text
        {
            for (auto const& [text, id] : vocabulary.items())
            {
                place(texts, id.get<std::int64_t>(), text);
            }
        }
        else if (vocabulary.is_array()) // Unigram: text and score in the order of ids
        {
            for (std::size_t id = 0; id < vocabulary.size(); ++id)
            {
                place(texts, static_cast<std::int64_t>(id), vocabulary[id].at(0).get<std::string>());
            }
        }
        else
        {
            corrupt(tokenizer);
        }
        for (auto const& added : json.value("added_tokens", Json::array()))
        {
            place(texts, added.at("id").get<std::int64_t>(), added.at("content").get<std::string>());
        }
    }
    catch (Json::exception const&)
    {
        corrupt(tokenizer);
    }
    return texts;
}

std::optional<tle::GuidedDecodingConfig> guidedDecodingConfig(fs::path const& directory, std::int32_t vocabularySize,
    tle::GuidedDecodingConfig::GuidedDecodingBackend backend)
{
    auto const tokenizer = directory / "tokenizer.json";
    if (!fs::exists(tokenizer))
    {
        return std::nullopt;
    }
    return tle::GuidedDecodingConfig(
        backend, tokenTexts(tokenizer, vocabularySize), readText(tokenizer), stopTokens(directory));
}

} // namespace trtllm_shim
