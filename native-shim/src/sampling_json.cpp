#include "sampling_json.h"

#include "optional_setter.h"

#include <algorithm>
#include <charconv>
#include <list>
#include <utility>

namespace trtllm_shim
{

namespace
{

namespace tle = tensorrt_llm::executor;

bool anyNumber(float)
{
    return true;
}

bool notNegative(float value)
{
    return value >= 0.0f;
}

bool positive(float value)
{
    return value > 0.0f;
}

bool share(float value)
{
    return value >= 0.0f && value <= 1.0f;
}

bool positiveShare(float value)
{
    return value > 0.0f && value <= 1.0f;
}

constexpr auto kPositiveShare = "a number above 0, at most 1";

void setTopPDecay(tle::SamplingConfig& config, JsonObject const& object, std::int32_t vocabularySize, bool decays)
{
    auto const decay = object.number("topPDecay", positiveShare, kPositiveShare);
    auto const least = object.number("topPMin", positiveShare, kPositiveShare);
    auto const reset = object.integer("topPResetId", 0, vocabularySize - 1);
    if (!decay && (least || reset))
    {
        throw StatusError(TRTLLM_ERR_INVALID_ARGUMENT, "topPMin and topPResetId belong to topPDecay, which is missing.");
    }
    if (decay && !decays)
    {
        throw StatusError(TRTLLM_ERR_INVALID_ARGUMENT,
            "topPDecay works on top-p alone: leave topK out and give a temperature above 0.");
    }
    config.setTopPDecay(decay);
    config.setTopPMin(least);
    config.setTopPResetIds(reset);
}

std::optional<std::list<tle::VecTokens>> words(JsonObject const& object, std::string_view key, std::int32_t most)
{
    auto const* lists = object.find(key);
    if (lists == nullptr)
    {
        return std::nullopt;
    }
    std::list<tle::VecTokens> result;
    auto fits = lists->is_array();
    for (std::size_t i = 0; fits && i < lists->size(); ++i)
    {
        auto tokens = JsonObject::integerArray((*lists)[i], 0, most);
        fits = tokens && !tokens->empty();
        result.push_back(std::move(tokens).value_or(tle::VecTokens{}));
    }
    if (!fits)
    {
        object.refuse(
            key, *lists, "an array of non-empty arrays of token ids, 0 to " + std::to_string(most));
    }
    return result;
}

std::optional<std::int32_t> tokenId(std::string const& text, std::int32_t most)
{
    std::int32_t id = -1;
    auto const end = text.data() + text.size();
    auto const [rest, error] = std::from_chars(text.data(), end, id);
    return error == std::errc() && rest == end && id >= 0 && id <= most ? std::optional(id) : std::nullopt;
}

tle::Tensor embeddingBias(JsonObject const& object, nlohmann::json const& sparse, std::int32_t vocabularySize)
{
    auto bias = tle::Tensor::cpu(tle::DataType::kFP32, {vocabularySize});
    auto* const values = static_cast<float*>(bias.getData());
    std::fill(values, values + vocabularySize, 0.0f);
    auto fits = sparse.is_object();
    for (auto item = sparse.begin(); fits && item != sparse.end(); ++item)
    {
        auto const id = tokenId(item.key(), vocabularySize - 1);
        auto const value = JsonObject::finite(*item);
        fits = id && value;
        if (fits)
        {
            values[*id] = *value;
        }
    }
    if (!fits)
    {
        object.refuse("logitBias", sparse,
            "an object of numbers by token id, 0 to " + std::to_string(vocabularySize - 1));
    }
    return bias;
}

} // namespace

tle::SamplingConfig samplingConfig(
    JsonObject const& object, Sequences const& sequences, std::int32_t vocabularySize)
{
    auto const temperature = object.number("temperature", notNegative, "a number of at least 0").value_or(0.0f);
    auto const topK = object.integer("topK", 0).value_or(0);
    auto const topP = object.number("topP", positiveShare, kPositiveShare).value_or(1.0f);

    tle::SamplingConfig config(sequences.areBeams ? sequences.computed : 1);
    setSequences(config, object);
    if (sequences.areBeams)
    {
        config.setTemperature(temperature > 0.0f ? temperature : 1.0f); // of scores; nothing is drawn
    }
    else if (temperature > 0.0f)
    {
        config.setTemperature(temperature);
        config.setTopP(topP); // also where it keeps every token: neither top-k nor top-p set would mean greedy
        if (topK > 0)
        {
            config.setTopK(topK);
        }
    }
    else
    {
        config.setTopK(1);
    }
    setTopPDecay(config, object, vocabularySize, temperature > 0.0f && topK == 0);
    if (auto const minP = object.number("minP", share, "a number from 0 to 1"))
    {
        config.setMinP(*minP);
    }
    if (auto const seed = object.unsignedInteger("seed"))
    {
        config.setSeed(*seed);
    }
    if (auto const penalty = object.number("repetitionPenalty", positive, "a number above 0"))
    {
        config.setRepetitionPenalty(*penalty);
    }
    if (auto const penalty = object.number("presencePenalty", anyNumber, "a number"))
    {
        config.setPresencePenalty(*penalty);
    }
    if (auto const penalty = object.number("frequencyPenalty", anyNumber, "a number"))
    {
        config.setFrequencyPenalty(*penalty);
    }
    if (auto const length = object.integer("promptIgnoreLength", 0))
    {
        // From 1.2 on.
        constexpr auto set = [](auto& target, std::int32_t value) -> decltype(target.setPromptIgnoreLength(value))
        { target.setPromptIgnoreLength(value); };
        setIfDeclared(set, config, *length, "promptIgnoreLength");
    }
    if (auto const size = object.integer("noRepeatNgramSize", 0))
    {
        config.setNoRepeatNgramSize(*size);
    }
    if (auto const minTokens = object.integer("minTokens", 0))
    {
        config.setMinTokens(*minTokens);
    }
    return config;
}

void setTokenRules(tle::Request& request, JsonObject const& object, std::int32_t vocabularySize)
{
    auto const most = vocabularySize - 1;
    auto stopWords = words(object, "stopWords", most).value_or(std::list<tle::VecTokens>{});
    for (auto const id : object.integers("stopTokenIds", 0, most).value_or(std::vector<std::int32_t>{}))
    {
        stopWords.push_back({id});
    }
    if (!stopWords.empty())
    {
        request.setStopWords(stopWords);
    }
    if (auto const badWords = words(object, "badWords", most); badWords && !badWords->empty())
    {
        request.setBadWords(*badWords);
    }
    if (auto const* const sparse = object.find("logitBias"))
    {
        request.setEmbeddingBias(embeddingBias(object, *sparse, vocabularySize));
    }
}

} // namespace trtllm_shim
