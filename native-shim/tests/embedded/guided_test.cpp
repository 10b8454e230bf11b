#include "check.h"
#include "guided/json_schema.h"
#include "guided/regex.h"
#include "guided_model.h"

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>

namespace
{

using namespace guided_model;
using namespace std::chrono_literals;
using GuideType = GuidedDecodingParams::GuideType;

struct Answer
{
    VecTokens tokens;
    FinishReason reason{FinishReason::kNOT_FINISHED};
    std::string error;
    std::size_t logProbs{0};
};

/// Reads until so many requests have ended.
std::map<IdType, Answer> collect(Executor& executor, std::size_t ends)
{
    std::map<IdType, Answer> answers;
    while (ends > 0)
    {
        for (auto const& response : executor.awaitResponses(20s))
        {
            auto& answer = answers[response.getRequestId()];
            if (response.hasError())
            {
                answer.error = response.getErrorMsg();
                --ends;
                continue;
            }
            auto const& result = response.getResult();
            auto const& tokens = result.outputTokenIds[0];
            answer.tokens.insert(answer.tokens.end(), tokens.begin(), tokens.end());
            answer.logProbs = result.logProbs ? result.logProbs->at(0).size() : 0;
            if (result.isFinal)
            {
                answer.reason = result.finishReasons[0];
                --ends;
            }
        }
    }
    return answers;
}

Executor makeExecutor(SizeType32 maxBatchSize = 8)
{
    return Executor(std::make_shared<hash_model::HashModel>(2048, 16), executorConfig(maxBatchSize));
}

/// The one answer to one guide.
Answer answer(GuidedDecodingParams const& guide, RandomSeedType seed = 1, SizeType32 maxTokens = 400)
{
    auto executor = makeExecutor();
    (void) executor.enqueueRequest(request(guide, seed, maxTokens));
    return collect(executor, 1).begin()->second;
}

std::string error(GuideType type, std::string const& guide)
{
    auto const result = answer(GuidedDecodingParams(type, guide));
    CHECK(result.error.rfind("Encountered an error when fetching new request: guided decoding: ", 0) == 0);
    return result.error;
}

bool mentions(std::string const& text, std::string const& part)
{
    return text.find(part) != std::string::npos;
}

std::string repeated(std::string const& text, int times)
{
    std::string result;
    for (int i = 0; i < times; ++i)
    {
        result += text;
    }
    return result;
}

/// std::regex counts bytes.
bool isMultibyte(std::string const& text)
{
    return text.find('\xc3') != std::string::npos;
}

/// Whole answers to many seeds of one guide, at once.
std::vector<std::string> texts(GuidedDecodingParams const& guide, std::size_t count, SizeType32 maxTokens = 400)
{
    auto executor = makeExecutor();
    for (std::size_t seed = 0; seed < count; ++seed)
    {
        (void) executor.enqueueRequest(request(guide, seed, maxTokens));
    }
    std::vector<std::string> result;
    for (auto const& [id, each] : collect(executor, count))
    {
        CHECK_EQ(each.error, "");
        if (each.reason == FinishReason::kEND_ID)
        {
            result.push_back(text(each.tokens));
        }
    }
    return result;
}

} // namespace

TEST("any JSON is whole and well-formed")
{
    auto const documents = texts(GuidedDecodingParams(GuideType::kJSON), 100, 1500);
    CHECK(documents.size() >= 50);
    for (auto const& document : documents)
    {
        try
        {
            CHECK(!nlohmann::json::parse(document).is_discarded());
        }
        catch (nlohmann::json::out_of_range const&)
        {
            // 1e999 is JSON, and no double.
        }
    }
}

TEST("a text of a regular expression matches it from end to end, as another matcher sees it")
{
    for (auto const* expression : {"[a-z]+@[a-z]+\\.(com|org)", "\\d{3}-\\d{4}", "(a|b)*c", "-?(0|[1-9][0-9]*)(\\.[0-9]+)?",
             "[^a-z\\s]{2,5}", "\\w+(,\\w+){0,3}", "(true|false)\\s(null)?", "[\\]\\-a]{1,4}", "\\S\\S", "[!-~]+", "[\\^\\\\_]{2}x"})
    {
        auto const matches = texts(GuidedDecodingParams(GuideType::kREGEX, expression), 30);
        CHECK(matches.size() >= 20);
        for (auto const& match : matches)
        {
            CHECK(isMultibyte(match) || std::regex_match(match, std::regex(expression)));
        }
    }
}

TEST("a text of an EBNF grammar is one of its language")
{
    auto const sums = texts(
        GuidedDecodingParams(GuideType::kEBNF_GRAMMAR, "root ::= term (\"+\" term)*\nterm ::= [0-9]+ | \"(\" root \")\"\n"),
        100, 1500);
    CHECK(sums.size() >= 50);
    for (auto const& sum : sums)
    {
        int depth = 0;
        for (auto const character : sum)
        {
            depth += character == '(' ? 1 : character == ')' ? -1 : 0;
            CHECK(depth >= 0);
            CHECK(mentions("0123456789+()", std::string(1, character)));
        }
        CHECK_EQ(depth, 0);
        CHECK(!mentions(sum, "++") && !mentions(sum, "()") && sum.back() != '+');
    }
}

TEST("strings of bounded length are counted in characters and hold no raw control character")
{
    for (auto const& document : texts(
             GuidedDecodingParams(GuideType::kJSON_SCHEMA, R"({"type":"string","minLength":3,"maxLength":6})"), 100))
    {
        auto const value = nlohmann::json::parse(document).get<std::string>();
        auto const characters = std::count_if(
            value.begin(), value.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; });
        CHECK(characters >= 3 && characters <= 6);
    }
}

TEST("a pattern may ask for what JSON has to escape")
{
    for (auto const* pattern : {"^\"[\"\\\\]+$", "^.{2,4}$", "^[\\n\\t]a$"})
    {
        auto const schema = nlohmann::json{{"type", "string"}, {"pattern", pattern}}.dump();
        auto const documents = texts(GuidedDecodingParams(GuideType::kJSON_SCHEMA, schema), 40);
        CHECK(documents.size() >= 20);
        for (auto const& document : documents)
        {
            auto const value = nlohmann::json::parse(document).get<std::string>();
            CHECK(isMultibyte(value) || std::regex_match(value, std::regex(pattern)));
        }
    }
}

TEST("what guides has no effect on others in the batch, and log-probabilities are the model's own")
{
    auto executor = makeExecutor();
    VecTokens const prompt{5, 6, 7};
    auto const plain = executor.enqueueRequest(Request(prompt, 60, true));
    auto guided = request(GuidedDecodingParams(GuideType::kJSON), 3, 60);
    OutputConfig output;
    output.returnLogProbs = true;
    guided.setOutputConfig(output);
    auto const json = executor.enqueueRequest(guided);
    auto const answers = collect(executor, 2);
    CHECK(answers.at(plain).tokens == hash_model::expectedAnswer(prompt, 60));
    CHECK_EQ(answers.at(json).logProbs, answers.at(json).tokens.size());
}

TEST("the same seed gives the same text whoever else is there")
{
    GuidedDecodingParams const guide(GuideType::kJSON);
    auto const alone = answer(guide, 7, 200);
    auto executor = makeExecutor();
    for (RandomSeedType seed = 5; seed < 12; ++seed)
    {
        (void) executor.enqueueRequest(request(guide, seed, 200));
    }
    CHECK(collect(executor, 7).at(3).tokens == alone.tokens);
}

TEST("a schema that cannot be held to is refused with the keyword and its place")
{
    struct Case
    {
        char const* schema;
        char const* says;
    };
    for (auto const& [schema, says] : {Case{R"({"type":"integer","multipleOf":3})", "\"multipleOf\" of an integer"},
             Case{R"({"properties":{"a":{"not":{}}}})", "/properties/a: \"not\""},
             Case{R"({"type":"array","uniqueItems":true,"items":{}})", "\"uniqueItems\" of an array"},
             Case{R"({"anyOf":[{}],"properties":{}})", "\"properties\" beside \"anyOf\""},
             Case{R"({"allOf":[{},{}]})", "\"allOf\" of more than one"},
             Case{R"({"type":"object","required":["a"]})", "\"required\" names \"a\""},
             Case{R"({"$ref":"other.json"})", "\"$ref\" must point into the schema"},
             Case{R"({"$ref":"#/$defs/a"})", "Cannot find field"}, Case{R"({"type":"strin"})", "Unsupported type"},
             Case{R"({"type":"string","pattern":"(?=a)b"})", "look-around"},
             Case{R"({"type":"string","pattern":"a","minLength":2})", "\"pattern\" with"},
             Case{R"({"type":"string","minLength":2,"maxLength":1})", "below"}, Case{"false", "allows no value"},
             Case{"[]", "a schema is an object"}, Case{"{", "parse error"},
             Case{R"({"type":"number","exclusiveMinimum":0})", "\"exclusiveMinimum\" of a number"}})
    {
        CHECK(mentions(error(GuideType::kJSON_SCHEMA, schema), says));
    }
}

TEST("a malformed expression or grammar is refused")
{
    for (auto const* expression : {"(a", "a)", "[a", "a{5,2}", "\\", "[z-a]", "a**", "(?<=a)b", "\\bx", "a^b", "a{1"})
    {
        error(GuideType::kREGEX, expression);
    }
    for (auto const* grammar : {"", "root ::= missing", "start ::= \"a\"", "root ::= \"a", "root \"a\""})
    {
        error(GuideType::kEBNF_GRAMMAR, grammar);
    }
}

TEST("a hostile grammar ends its own request and no other")
{
    auto executor = makeExecutor();
    std::vector<GuidedDecodingParams> const hostile{
        GuidedDecodingParams(GuideType::kREGEX, repeated("(", 5000) + "a" + repeated(")", 5000)),
        GuidedDecodingParams(GuideType::kEBNF_GRAMMAR, "root ::= " + repeated("(", 5000) + "\"a\"" + repeated(")", 5000)),
        GuidedDecodingParams(GuideType::kEBNF_GRAMMAR, "root ::= root \"a\""),
        GuidedDecodingParams(GuideType::kJSON_SCHEMA, repeated(R"({"type":"array","items":)", 5000) + "{}" + repeated("}", 5000)),
        GuidedDecodingParams(GuideType::kJSON_SCHEMA, R"({"$defs":{"a":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"})"),
        GuidedDecodingParams(GuideType::kREGEX, std::string(1 << 20, 'a')),
    };
    for (auto const& guide : hostile)
    {
        (void) executor.enqueueRequest(request(guide, 1, 50));
    }
    VecTokens const prompt{9, 8, 7};
    auto const plain = executor.enqueueRequest(Request(prompt, 50, true));
    auto const answers = collect(executor, hostile.size() + 1);
    for (IdType id = 1; id <= hostile.size(); ++id)
    {
        CHECK(mentions(answers.at(id).error, "guided decoding"));
    }
    CHECK(answers.at(plain).tokens == hash_model::expectedAnswer(prompt, 50));
}

TEST("a chain of thousands of rules or references is compiled or refused, and never ends the process")
{
    std::string rules = "root ::= r0\n";
    std::string definitions;
    for (int i = 0; i < 4000; ++i)
    {
        rules += "r" + std::to_string(i) + " ::= \"a\" r" + std::to_string(i + 1) + "\n";
        definitions += "\"d" + std::to_string(i) + "\":{\"$ref\":\"#/$defs/d" + std::to_string(i + 1) + "\"},";
    }
    answer(GuidedDecodingParams(GuideType::kEBNF_GRAMMAR, rules + "r4000 ::= \"b\"\n"), 1, 20);
    answer(GuidedDecodingParams(GuideType::kJSON_SCHEMA,
               "{\"$ref\":\"#/$defs/d0\",\"$defs\":{" + definitions + "\"d4000\":{\"type\":\"null\"}}}"),
        1, 20);
}

TEST("an executor stops while a grammar is compiled that would take for ever")
{
    std::string rules = "root ::= r0\n";
    for (int i = 0; i < 2000; ++i)
    {
        auto const next = " r" + std::to_string(i + 1);
        rules += "r" + std::to_string(i) + " ::=" + next + next + " | [a-z]* \"x\"\n";
    }
    auto executor = makeExecutor();
    auto endless = request(GuidedDecodingParams(GuideType::kEBNF_GRAMMAR, rules + "r2000 ::= \"y\""), 1, 20);
    endless.setAllottedTimeMs(200ms);
    (void) executor.enqueueRequest(endless);
    CHECK_EQ(collect(executor, 1).at(1).reason, FinishReason::kTIMED_OUT);
}

TEST("each of several sequences is guided for itself, also when blocks are short and sequences are paused")
{
    auto config = executorConfig(6);
    config.setSchedulerConfig(SchedulerConfig(CapacitySchedulerPolicy::kMAX_UTILIZATION));
    KvCacheConfig kvCache;
    kvCache.setMaxTokens(640);
    config.setKvCacheConfig(kvCache);
    Executor executor(std::make_shared<hash_model::HashModel>(400, 16), config);
    constexpr auto schema
        = R"({"type":"array","items":{"type":"integer","minimum":0,"maximum":99},"minItems":40,"maxItems":60})";
    auto several = request(GuidedDecodingParams(GuideType::kJSON_SCHEMA, schema), 5, 300);
    auto sampling = several.getSamplingConfig();
    sampling.setNumReturnSequences(2);
    several.setSamplingConfig(sampling);
    (void) executor.enqueueRequest(several);
    (void) executor.enqueueRequest(several);
    std::map<std::pair<IdType, SizeType32>, VecTokens> sequences;
    for (std::size_t ends = 0; ends < 4;)
    {
        for (auto const& response : executor.awaitResponses(20s))
        {
            CHECK_EQ(response.hasError() ? response.getErrorMsg() : "", "");
            auto const& result = response.getResult();
            auto& tokens = sequences[{response.getRequestId(), result.sequenceIndex}];
            tokens.insert(tokens.end(), result.outputTokenIds[0].begin(), result.outputTokenIds[0].end());
            ends += result.isSequenceFinal ? 1 : 0;
        }
    }
    CHECK_EQ(sequences.size(), 4u);
    for (auto const& [sequence, tokens] : sequences)
    {
        CHECK(tokens.size() == 300 || nlohmann::json::parse(text(tokens)).size() >= 40);
    }
    CHECK((sequences[{1, 0}] == sequences[{2, 0}]) && sequences[{1, 0}] != sequences[{1, 1}]);
}

TEST("a cancel ends a guided request at once, also while its grammar is compiled")
{
    auto executor = makeExecutor();
    auto const slow = executor.enqueueRequest(
        request(GuidedDecodingParams(GuideType::kREGEX, repeated("(a|b|c|ab|bc)?", 3000)), 1, 50));
    auto const quick = executor.enqueueRequest(request(GuidedDecodingParams(GuideType::kJSON), 2, 1500));
    executor.cancelRequest(slow);
    executor.cancelRequest(quick);
    auto const answers = collect(executor, 2);
    CHECK_EQ(answers.at(slow).reason, FinishReason::kCANCELLED);
    CHECK_EQ(answers.at(quick).reason, FinishReason::kCANCELLED);
}

TEST("a time-out ends a request whose grammar is still being compiled")
{
    auto executor = makeExecutor();
    auto slow = request(GuidedDecodingParams(GuideType::kREGEX, repeated("(a|b|c|ab|bc)?", 3000)), 1, 50);
    slow.setAllottedTimeMs(50ms);
    (void) executor.enqueueRequest(slow);
    CHECK_EQ(collect(executor, 1).at(1).reason, FinishReason::kTIMED_OUT);
}

TEST("an executor without a vocabulary refuses guided requests alone")
{
    ExecutorConfig config;
    config.setMaxBatchSize(2);
    config.setMaxNumTokens(32);
    Executor executor(std::make_shared<hash_model::HashModel>(512, 8), config);
    auto const guided = executor.enqueueRequest(request(GuidedDecodingParams(GuideType::kJSON), 1, 10));
    auto const plain = executor.enqueueRequest(Request({1}, 4, true));
    auto const answers = collect(executor, 2);
    CHECK(mentions(answers.at(guided).error, "GuidedDecodingConfig"));
    CHECK_EQ(answers.at(plain).tokens.size(), 4u);
}

TEST("a guide where none is taken, none where one is needed, and beam search are refused")
{
    CHECK_THROWS(GuidedDecodingParams(GuideType::kJSON, "{}"));
    CHECK_THROWS(GuidedDecodingParams(GuideType::kREGEX));
    auto const beams = []
    {
        Request request({1}, 4, true, SamplingConfig(2));
        request.setGuidedDecodingParams(GuidedDecodingParams(GuideType::kJSON));
        return 0;
    };
    CHECK_THROWS(beams());
    CHECK_THROWS(GuidedDecodingConfig(GuidedDecodingConfig::GuidedDecodingBackend::kXGRAMMAR));
}
