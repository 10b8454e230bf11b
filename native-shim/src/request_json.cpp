#include "request_json.h"

#include "guided_decoding.h"
#include "kv_cache_json.h"
#include "sampling_json.h"

namespace trtllm_shim
{

namespace
{

namespace tle = tensorrt_llm::executor;

constexpr std::int32_t kMaxTopLogProbs = 20;

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

/// Full blocks of the prompt are shared by the sequences.
void checkFits(std::size_t promptTokens, std::int32_t maxTokens, Sequences const& sequences,
    EngineDescription const& engine)
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
    auto const others = static_cast<std::size_t>(sequences.computed) - 1;
    auto const whole = (total + perBlock - 1) / perBlock;
    auto const blocks = whole + others * (whole - promptTokens / perBlock);
    if (blocks > static_cast<std::size_t>(engine.kvBlocks))
    {
        throw StatusError(TRTLLM_ERR_KV_CACHE_FULL,
            asked + (others > 0 ? ", for " + std::to_string(others + 1) + " sequences" : "") + ": that is " + std::to_string(blocks) + " KV blocks of " + std::to_string(perBlock)
                + " tokens, and the whole pool has " + std::to_string(engine.kvBlocks)
                + ". Shorten the prompt, lower maxTokens, ask for fewer sequences, or raise kvCache.maxTokens.");
    }
}

/// Log-probabilities of a prompt come from the logits of all its tokens, which lie in memory at once.
constexpr std::size_t kMaxContextLogitsBytes = std::size_t{4} << 30;

LogProbOptions logProbOptions(
    JsonObject const& object, std::int32_t const* tokens, std::size_t count, std::int32_t vocabularySize)
{
    LogProbOptions options;
    options.vocabularySize = vocabularySize;
    options.alternatives = object.integer("topLogProbs", 0, kMaxTopLogProbs).value_or(0);
    options.chosen = object.boolean("logProbs").value_or(false);
    options.prompt = object.boolean("promptLogProbs").value_or(false);
    if (options.alternatives > 0 && !options.chosen && !options.prompt)
    {
        throw StatusError(
            TRTLLM_ERR_INVALID_ARGUMENT, "topLogProbs belongs to logProbs or promptLogProbs; set one of them.");
    }
    auto const bytes = count * static_cast<std::size_t>(vocabularySize) * sizeof(float);
    if (options.prompt && bytes > kMaxContextLogitsBytes)
    {
        throw StatusError(TRTLLM_ERR_UNSUPPORTED,
            "promptLogProbs of " + std::to_string(count) + " tokens need " + std::to_string(bytes)
                + " bytes of logits; at most " + std::to_string(kMaxContextLogitsBytes) + " are held. Shorten the prompt.");
    }
    if (options.prompt)
    {
        options.promptTokens = std::make_shared<std::vector<std::int32_t> const>(tokens, tokens + count);
    }
    return options;
}

} // namespace

ParsedRequest parseRequest(
    std::string_view json, std::int32_t const* tokens, std::size_t tokenCount, EngineDescription const& engine)
{
    return readJson(json, "request",
        [&](nlohmann::json const& document)
        {
            JsonObject const object(document, "",
                {"maxTokens", "temperature", "topK", "topP", "topPMin", "topPDecay", "topPResetId", "minP", "seed",
                    "repetitionPenalty", "presencePenalty", "frequencyPenalty", "promptIgnoreLength",
                    "noRepeatNgramSize", "minTokens", "endId", "stopTokenIds", "stopWords", "badWords", "logitBias",
                    "priority", "timeoutMs", "logProbs", "topLogProbs", "promptLogProbs", "numReturnSequences",
                    "beamWidth", "lengthPenalty", "beamSearchDiversityRate", "earlyStopping",
                    "cacheSaltId", "kvCacheRetention", "guided", "loraTaskId"});
            auto const maxTokens = object.integer("maxTokens", 1);
            if (!maxTokens)
            {
                throw StatusError(
                    TRTLLM_ERR_INVALID_ARGUMENT, "\"maxTokens\" is missing; expected an integer of at least 1.");
            }
            checkPrompt(tokens, tokenCount, engine.vocabularySize);
            auto const sequences = sequencesOf(object, engine);
            checkFits(tokenCount, *maxTokens, sequences, engine);

            tle::Request request(tle::VecTokens(tokens, tokens + tokenCount), *maxTokens);
            // Only what was streamed survives a cancel. Beams may change until their end.
            request.setStreaming(!sequences.areBeams);
            request.setSamplingConfig(samplingConfig(object, sequences, engine.vocabularySize));

            tle::OutputConfig output;
            auto const logProbs = logProbOptions(object, tokens, tokenCount, engine.vocabularySize);
            if (sequences.areBeams && logProbs.chosen && logProbs.alternatives > 0)
            {
                throw StatusError(TRTLLM_ERR_UNSUPPORTED, "topLogProbs of an answer are not kept in beam search.");
            }
            // Beams are ranked by theirs, which the caller is told in any case.
            output.returnLogProbs = sequences.areBeams || (logProbs.chosen && logProbs.alternatives == 0);
            output.returnGenerationLogits = logProbs.chosen && logProbs.alternatives > 0;
            output.returnContextLogits = logProbs.prompt;
            output.excludeInputFromOutput = true;
            output.returnPerfMetrics = true;
            request.setOutputConfig(output);

            if (auto const endId = object.integer("endId", 0, engine.vocabularySize - 1))
            {
                request.setEndId(*endId);
            }
            setReuse(request, object);
            setTokenRules(request, object, engine.vocabularySize);
            if (auto const priority = object.number("priority", share, "a number from 0 to 1"))
            {
                request.setPriority(*priority);
            }
            if (auto const timeout = object.integer("timeoutMs", 1))
            {
                request.setAllottedTimeMs(std::chrono::milliseconds(*timeout));
            }
            if (auto const guided = guidedDecodingParams(object))
            {
                request.setGuidedDecodingParams(*guided);
            }
            return ParsedRequest{
                std::move(request), {logProbs, sequences, *maxTokens}, object.unsignedInteger("loraTaskId")};
        });
}

} // namespace trtllm_shim
