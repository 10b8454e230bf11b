#include "check.h"
#include "config_json.h"
#include "request_json.h"

#include <string>

namespace
{

using namespace trtllm_shim;

/// The message of the refusal, which must be TRTLLM_ERR_INVALID_ARGUMENT.
template <typename Body>
std::string refusal(Body body)
{
    try
    {
        body();
    }
    catch (StatusError const& error)
    {
        CHECK_EQ(error.status(), TRTLLM_ERR_INVALID_ARGUMENT);
        return error.what();
    }
    CHECK(!"refused");
    return {};
}

std::string configRefusal(std::string const& json)
{
    return refusal([&] { parseConfig(json); });
}

std::string requestRefusal(std::string const& json)
{
    EngineDescription engine;
    engine.vocabularySize = 100;
    engine.maxSequenceTokens = 100;
    engine.tokensPerBlock = 10;
    engine.kvBlocks = 10;
    std::int32_t const token = 1;
    return refusal([&] { parseRequest(json, &token, 1, engine); });
}

bool contains(std::string const& text, char const* part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST("only the engine is required of a configuration")
{
    auto const config = parseConfig(R"({"engine": "/some/engine"})");
    tensorrt_llm::executor::ExecutorConfig const defaults;
    CHECK_EQ(config.enginePath.string(), "/some/engine");
    CHECK(!config.executor.getMaxBatchSize());
    CHECK(!config.executor.getMaxNumTokens());
    CHECK(!config.executor.getMaxQueueSize());
    CHECK(config.executor.getKvCacheConfig().getEnableBlockReuse());
    CHECK(!config.executor.getKvCacheConfig().getMaxTokens());
    CHECK_EQ(config.executor.getIterStatsMaxIterations(), defaults.getIterStatsMaxIterations());
    CHECK_EQ(config.backendOptions.dump(), "{}");
}

TEST("every field of a configuration arrives")
{
    auto const config = parseConfig(R"({"engine": "e", "executor": {"maxBatchSize": 2, "maxNumTokens": 3,
        "maxQueueSize": 4, "schedulerPolicy": "MAX_UTILIZATION", "contextChunkingPolicy": "EQUAL_PROGRESS",
        "iterStatsMaxIterations": 0, "requestStatsMaxIterations": 6,
        "kvCache": {"maxTokens": 5, "enableBlockReuse": false, "freeGpuMemoryFraction": 0.5, "hostCacheSize": 7,
        "enablePartialReuse": false, "copyOnPartialReuse": false, "onboardBlocks": false,
        "secondaryOffloadMinPriority": 8, "eventBufferMaxSize": 9}}, "synthetic": {"any": ["thing"]}})");
    CHECK_EQ(config.executor.getMaxBatchSize().value(), 2);
    CHECK_EQ(config.executor.getMaxNumTokens().value(), 3);
    CHECK_EQ(config.executor.getMaxQueueSize().value(), 4);
    CHECK_EQ(config.executor.getIterStatsMaxIterations(), 0);
    CHECK_EQ(config.executor.getSchedulerConfig().getCapacitySchedulerPolicy(),
        tensorrt_llm::executor::CapacitySchedulerPolicy::kMAX_UTILIZATION);
    CHECK_EQ(config.executor.getKvCacheConfig().getMaxTokens().value(), 5);
    CHECK(config.executor.getSchedulerConfig().getContextChunkingPolicy()
        == tensorrt_llm::executor::ContextChunkingPolicy::kEQUAL_PROGRESS);
    CHECK_EQ(config.executor.getRequestStatsMaxIterations(), 6);
    auto const kvCache = config.executor.getKvCacheConfig();
    CHECK(!kvCache.getEnableBlockReuse());
    CHECK_EQ(kvCache.getFreeGpuMemoryFraction().value(), 0.5f);
    CHECK_EQ(kvCache.getHostCacheSize().value(), 7u);
    CHECK(!kvCache.getEnablePartialReuse());
    CHECK(!kvCache.getCopyOnPartialReuse());
    CHECK(!kvCache.getOnboardBlocks());
    CHECK_EQ(kvCache.getSecondaryOffloadMinPriority().value(), 8);
    CHECK_EQ(kvCache.getEventBufferMaxSize(), 9u);
    CHECK_EQ(config.backendOptions.dump(), R"({"any":["thing"]})");
}

TEST("an unknown key is named with the keys that are known")
{
    CHECK(contains(configRefusal(R"({"engine": "e", "maxBatch": 1})"), "\"maxBatch\""));
    auto const nested = configRefusal(R"({"engine": "e", "executor": {"kvCache": {"maxTokns": 1}}})");
    CHECK(contains(nested, "\"executor.kvCache.maxTokns\""));
    CHECK(contains(nested, "known are maxTokens, freeGpuMemoryFraction, hostCacheSize,"));
    CHECK(contains(requestRefusal(R"({"maxTokens": 1, "max_tokens": 1})"), "\"max_tokens\""));
}

TEST("options of another executor are unknown keys")
{
    CHECK(contains(configRefusal(R"({"engine": "e", "other": {}})"), "known are engine, executor, synthetic."));
}

TEST("a configuration's wrong types and values are named")
{
    CHECK(contains(configRefusal(R"({})"), "\"engine\""));
    CHECK(contains(configRefusal(R"({"engine": ""})"), "\"engine\""));
    CHECK(contains(configRefusal(R"({"engine": 5})"), "\"engine\" is 5; expected a string"));
    CHECK(contains(configRefusal(R"({"engine": "a\u0000b"})"), "\"engine\""));
    CHECK(contains(configRefusal(R"({"engine": "e", "executor": []})"), "executor is []; expected an object"));
    CHECK(contains(configRefusal(R"({"engine": "e", "synthetic": 1})"), "\"synthetic\" is 1; expected an object"));
    for (std::string const value : {"0", "-1", "1.5", "\"4\"", "null", "2147483648", "18446744073709551615", "1e3"})
    {
        CHECK(contains(configRefusal(R"({"engine": "e", "executor": {"maxBatchSize": )" + value + "}}"),
            ("\"executor.maxBatchSize\" is " + (value == "1e3" ? "1000.0" : value)).c_str()));
    }
    CHECK(contains(configRefusal(R"({"engine": "e", "executor": {"kvCache": {"enableBlockReuse": 1}}})"),
        "\"executor.kvCache.enableBlockReuse\" is 1; expected true or false"));
    CHECK(contains(configRefusal(R"({"engine": "e", "executor": {"schedulerPolicy": "FASTEST"}})"),
        "\"executor.schedulerPolicy\" is \"FASTEST\"; expected one of \"GUARANTEED_NO_EVICT\""));
}

TEST("what is no JSON object is refused")
{
    for (std::string const text : {"", "{", "[]", "null", "7", "{\"engine\": \"\xff\"}", "{} {}"})
    {
        CHECK(!configRefusal(text).empty());
        CHECK(!requestRefusal(text).empty());
    }
    CHECK(!requestRefusal(std::string(100'000, '[')).empty());
}

TEST("a request's wrong types and values are named")
{
    CHECK(contains(requestRefusal("{}"), "\"maxTokens\" is missing"));
    CHECK(contains(requestRefusal(R"({"maxTokens": 0})"), "\"maxTokens\" is 0"));
    for (std::string const field : {R"("temperature": -0.1)", R"("temperature": "hot")", R"("temperature": 1e39)",
             R"("topK": -1)", R"("topK": 1.5)", R"("topP": 0)", R"("topP": 1.1)", R"("minP": -0.1)", R"("minP": 2)",
             R"("seed": -1)", R"("seed": 0.5)", R"("repetitionPenalty": 0)", R"("presencePenalty": true)",
             R"("frequencyPenalty": null)", R"("promptIgnoreLength": -1)", R"("noRepeatNgramSize": 0.5)",
             R"("topPDecay": 0)", R"("topPMin": 2)", R"("topPResetId": 100)", R"("stopWords": [1])",
             R"("stopWords": [[]])", R"("badWords": [[1, 100]])", R"("badWords": {})", R"("logitBias": [])",
             R"("logitBias": {"100": 1})", R"("logitBias": {"-1": 1})", R"("logitBias": {"1x": 1})",
             R"("logitBias": {"1": null})", R"("logitBias": {"1": 1e39})", R"("minTokens": -1)", R"("endId": -1)", R"("endId": 100)",
             R"("stopTokenIds": 5)", R"("stopTokenIds": [1, 100])", R"("stopTokenIds": ["a"])", R"("priority": 1.5)",
             R"("timeoutMs": 0)", R"("logProbs": 1)", R"("topLogProbs": 21)", R"("promptLogProbs": 0)"})
    {
        auto const name = field.substr(0, field.find(':'));
        CHECK(contains(requestRefusal(R"({"maxTokens": 1, )" + field + "}"), (name + " is ").c_str()));
    }
}

TEST("each kind of guide arrives, and only one can be given")
{
    using GuideType = tensorrt_llm::executor::GuidedDecodingParams::GuideType;
    EngineDescription engine;
    engine.vocabularySize = engine.maxSequenceTokens = 100;
    engine.tokensPerBlock = engine.kvBlocks = 10;
    std::int32_t const token = 1;
    auto const guide = [&](std::string const& guided)
    { return *parseRequest(R"({"maxTokens": 1, "guided": )" + guided + "}", &token, 1, engine).request.getGuidedDecodingParams(); };
    CHECK_EQ(guide(R"({"json": true})").getGuideType(), GuideType::kJSON);
    CHECK_EQ(guide(R"({"jsonSchema": "{}"})").getGuideType(), GuideType::kJSON_SCHEMA);
    CHECK_EQ(guide(R"({"regex": "a+"})").getGuideType(), GuideType::kREGEX);
    CHECK_EQ(guide(R"({"grammar": "root ::= \"a\""})").getGuideType(), GuideType::kEBNF_GRAMMAR);
    CHECK_EQ(guide(R"({"regex": "a+"})").getGuide().value(), "a+");

    CHECK(contains(requestRefusal(R"({"maxTokens": 1, "guided": {}})"), "exactly one of"));
    CHECK(contains(requestRefusal(R"({"maxTokens": 1, "guided": {"json": true, "regex": "a"}})"), "exactly one of"));
    CHECK(contains(requestRefusal(R"({"maxTokens": 1, "guided": {"json": false}})"), "\"guided.json\" is false"));
    CHECK(contains(requestRefusal(R"({"maxTokens": 1, "guided": {"regex": 1}})"), "\"guided.regex\" is 1"));
    CHECK(contains(requestRefusal(R"({"maxTokens": 1, "guided": {"xml": true}})"), "\"guided.xml\""));
    CHECK(contains(requestRefusal(R"({"maxTokens": 1, "guided": 1})"), "guided"));
}

TEST("top-p decay is refused where there is no top-p to decay")
{
    CHECK(contains(requestRefusal(R"({"maxTokens": 1, "topPDecay": 0.9})"), "temperature above 0"));
    CHECK(contains(requestRefusal(R"({"maxTokens": 1, "temperature": 1, "topK": 5, "topPDecay": 0.9})"), "topK"));
    CHECK(contains(requestRefusal(R"({"maxTokens": 1, "temperature": 1, "topPMin": 0.9})"), "topPDecay"));
}

TEST("alternatives without log-probabilities, and a prompt whose logits are too many, are refused")
{
    CHECK(contains(requestRefusal(R"({"maxTokens": 1, "topLogProbs": 3})"), "logProbs or promptLogProbs"));
    EngineDescription engine;
    engine.vocabularySize = 200'000;
    engine.maxSequenceTokens = 100'000;
    engine.tokensPerBlock = 100;
    engine.kvBlocks = 1000;
    std::vector<std::int32_t> const prompt(6000, 1);
    auto const parse = [&](std::string const& json) { return parseRequest(json, prompt.data(), prompt.size(), engine); };
    CHECK(!parse(R"({"maxTokens": 1})").answer.logProbs.prompt);
    CHECK_THROWS(parse(R"({"maxTokens": 1, "promptLogProbs": true})"));
}

TEST("a long wrong value is cut in its message, at a whole character")
{
    std::string letters;
    for (int i = 0; i < 1000; ++i)
    {
        letters += "ä";
    }
    auto const message = requestRefusal(R"({"maxTokens": ")" + letters + "\"}");
    CHECK(message.size() < 200);
    CHECK(contains(message, "ä…; expected"));
}
