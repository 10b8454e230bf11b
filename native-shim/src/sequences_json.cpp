#include "sequences_json.h"

#include <string>

namespace trtllm_shim
{

namespace
{

bool notNegative(float value)
{
    return value >= 0.0f;
}

constexpr auto kNotNegative = "a number of at least 0";

void refuseOf(JsonObject const& object, std::initializer_list<char const*> keys, trtllm_status status,
    std::string const& reason)
{
    for (auto const* const key : keys)
    {
        if (object.find(key) != nullptr)
        {
            throw StatusError(status, std::string(key) + " " + reason);
        }
    }
}

} // namespace

Sequences sequencesOf(JsonObject const& object, EngineDescription const& engine)
{
    auto const width = object.integer("beamWidth", 1).value_or(1);
    auto const wanted = object.integer("numReturnSequences", 1);
    if (width == 1)
    {
        refuseOf(object, {"lengthPenalty", "beamSearchDiversityRate", "earlyStopping"}, TRTLLM_ERR_INVALID_ARGUMENT,
            "belongs to beam search: set beamWidth above 1, or leave it out.");
        return {wanted.value_or(1), wanted.value_or(1), false};
    }
    if (width > engine.maxBeamWidth)
    {
        throw StatusError(TRTLLM_ERR_INVALID_ARGUMENT,
            "beamWidth is " + std::to_string(width) + "; the engine was loaded with maxBeamWidth "
                + std::to_string(engine.maxBeamWidth) + ". Raise that when loading it, or lower beamWidth.");
    }
    if (wanted.value_or(1) > width)
    {
        throw StatusError(TRTLLM_ERR_INVALID_ARGUMENT,
            "numReturnSequences is " + std::to_string(*wanted) + " and beamWidth " + std::to_string(width)
                + "; a beam search returns its beams at most.");
    }
    refuseOf(object, {"topK", "topP", "topPDecay", "minP", "seed"}, TRTLLM_ERR_INVALID_ARGUMENT,
        "has no meaning in beam search, which draws nothing: leave it out.");
    refuseOf(object, {"guided"}, TRTLLM_ERR_UNSUPPORTED, "decoding is not possible with beam search.");
    return {width, wanted.value_or(width), true};
}

void setSequences(tensorrt_llm::executor::SamplingConfig& config, JsonObject const& object)
{
    if (auto const count = object.integer("numReturnSequences", 1))
    {
        config.setNumReturnSequences(*count);
    }
    if (auto const penalty = object.number("lengthPenalty", notNegative, kNotNegative))
    {
        config.setLengthPenalty(*penalty);
    }
    if (auto const rate = object.number("beamSearchDiversityRate", notNegative, kNotNegative))
    {
        config.setBeamSearchDiversityRate(*rate);
    }
    if (auto const early = object.integer("earlyStopping", 0))
    {
        config.setEarlyStopping(*early);
    }
}

} // namespace trtllm_shim
