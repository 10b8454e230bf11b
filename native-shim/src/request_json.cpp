#include "request_json.h"

#include "sampling_json.h"

namespace trtllm_shim
{

namespace
{

namespace tle = tensorrt_llm::executor;

bool share(float value)
{
    return value >= 0.0f && value <= 1.0f;
}

void checkPrompt(std::int32_t const* tokens, std::size_t count, std::int32_t vocabularySize)
{
    if (count == 0)
    {
        throw StatusError(TRTLLM_ERR_INVALID_ARGUMENT, "The prompt is empty; expected at least one token.");
    }
    for (std::size_t i = 0; i < count; ++i)
    {
        if (tokens[i] < 0 || tokens[i] >= vocabularySize)
        {
            throw StatusError(TRTLLM_ERR_INVALID_ARGUMENT,
                "Token " + std::to_string(i) + " of the prompt is " + std::to_string(tokens[i])
                    + "; expected a token id of this engine, 0 to " + std::to_string(vocabularySize - 1)
                    + ". Use the engine's own tokenizer.");
        }
    }
}

void checkFits(std::size_t promptTokens, std::int32_t maxTokens, EngineDescription const& engine)
{
    auto const total = promptTokens + static_cast<std::size_t>(maxTokens);
    auto const asked = "The prompt has " + std::to_string(promptTokens) + " tokens and maxTokens is "
        + std::to_string(maxTokens) + ", together " + std::to_string(total);
    if (total > static_cast<std::size_t>(engine.maxSequenceTokens))
    {
        throw StatusError(TRTLLM_ERR_PROMPT_TOO_LONG,
            asked + "; a sequence of this engine holds " + std::to_string(engine.maxSequenceTokens)
                + ". Shorten the prompt, lower maxTokens, or raise maxSequenceTokens.");
    }
    auto const perBlock = static_cast<std::size_t>(engine.tokensPerBlock);
    auto const blocks = (total + perBlock - 1) / perBlock;
    if (blocks > static_cast<std::size_t>(engine.kvBlocks))
    {
        throw StatusError(TRTLLM_ERR_KV_CACHE_FULL,
            asked + ": that is " + std::to_string(blocks) + " KV blocks of " + std::to_string(perBlock)
                + " tokens, and the whole pool has " + std::to_string(engine.kvBlocks)
                + ". Shorten the prompt, lower maxTokens, or raise kvCache.maxTokens.");
    }
}

} // namespace

tle::Request parseRequest(
    std::string_view json, std::int32_t const* tokens, std::size_t tokenCount, EngineDescription const& engine)
{
    return readJson(json, "request",
        [&](nlohmann::json const& document)
        {
            JsonObject const object(document, "",
                {"maxTokens", "temperature", "topK", "topP", "topPMin", "topPDecay", "topPResetId", "minP", "seed",
                    "repetitionPenalty", "presencePenalty", "frequencyPenalty", "promptIgnoreLength",
                    "noRepeatNgramSize", "minTokens", "endId", "stopTokenIds", "stopWords", "badWords", "logitBias",
                    "priority", "timeoutMs", "logProbs"});
            auto const maxTokens = object.integer("maxTokens", 1);
            if (!maxTokens)
            {
                throw StatusError(
                    TRTLLM_ERR_INVALID_ARGUMENT, "\"maxTokens\" is missing; expected an integer of at least 1.");
            }
            checkPrompt(tokens, tokenCount, engine.vocabularySize);
            checkFits(tokenCount, *maxTokens, engine);

            tle::Request request(tle::VecTokens(tokens, tokens + tokenCount), *maxTokens);
            request.setStreaming(true); // only what was streamed survives a cancel
            request.setSamplingConfig(samplingConfig(object, engine.vocabularySize));

            tle::OutputConfig output;
            output.returnLogProbs = object.boolean("logProbs").value_or(false);
            output.excludeInputFromOutput = true;
            output.returnPerfMetrics = true;
            request.setOutputConfig(output);

            if (auto const endId = object.integer("endId", 0, engine.vocabularySize - 1))
            {
                request.setEndId(*endId);
            }
            setTokenRules(request, object, engine.vocabularySize);
            if (auto const priority = object.number("priority", share, "a number from 0 to 1"))
            {
                request.setPriority(*priority);
            }
            if (auto const timeout = object.integer("timeoutMs", 1))
            {
                request.setAllottedTimeMs(std::chrono::milliseconds(*timeout));
            }
            return request;
        });
}

} // namespace trtllm_shim
