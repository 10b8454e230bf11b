#include "client.h"

namespace
{

using namespace synthetic;
using Tokens = std::vector<std::int32_t>;

bool contains(trtllm_error const& error, char const* text)
{
    return std::string(error.message).find(text) != std::string::npos;
}

/// What the executor was given, as kPARAMETERS says it.
Tokens parameters(Client& client, std::string const& json)
{
    return client.answer(client.submit({kPARAMETERS}, json)).tokens;
}

} // namespace

TEST("a full queue is told from other errors")
{
    Client client(R"({"stepDelayMs": 1})", R"({"maxBatchSize": 1, "maxQueueSize": 2})");
    client.ready();
    auto const id = client.submit({kENDLESS});
    client.submit({kENDLESS});
    client.submit({kENDLESS});
    auto const error = client.refusal({1});
    CHECK_EQ(error.code, TRTLLM_ERR_QUEUE_FULL);
    CHECK(contains(error, "2 requests are waiting"));
    CHECK_EQ(trtllm_executor_cancel(client.handle, id, nullptr), TRTLLM_OK);
    client.next({TRTLLM_RECORD_FINAL});
    client.submit({1});
}

TEST("a request that can never fit is refused with the numbers")
{
    Client client("{}", R"({"kvCache": {"maxTokens": 80}})");
    client.ready();
    auto const tooLong = client.refusal(Tokens(200, 1), R"({"maxTokens": 57})");
    CHECK_EQ(tooLong.code, TRTLLM_ERR_PROMPT_TOO_LONG);
    CHECK(contains(tooLong, "200") && contains(tooLong, "57") && contains(tooLong, "256"));
    CHECK_EQ(client.refusal({1}, R"({"maxTokens": 2147483647})").code, TRTLLM_ERR_PROMPT_TOO_LONG);

    auto const noBlocks = client.refusal(Tokens(60, 1), R"({"maxTokens": 21})");
    CHECK_EQ(noBlocks.code, TRTLLM_ERR_KV_CACHE_FULL);
    CHECK(contains(noBlocks, "6 KV blocks") && contains(noBlocks, "has 5"));
    client.answer(client.submit(Tokens(60, 1), R"({"maxTokens": 20})"));
}

TEST("prompts are checked against the vocabulary")
{
    Client client;
    client.ready();
    CHECK_EQ(client.refusal({}).code, TRTLLM_ERR_INVALID_ARGUMENT);
    CHECK_EQ(client.refusal({-1}).code, TRTLLM_ERR_INVALID_ARGUMENT);
    auto const error = client.refusal({1, 2, 1000});
    CHECK_EQ(error.code, TRTLLM_ERR_INVALID_ARGUMENT);
    CHECK(contains(error, "Token 2") && contains(error, "1000"));
    CHECK_EQ(client.answer(client.submit({999})).tokens.size(), 3);
}

TEST("without a temperature the executor is asked for greedy decoding")
{
    Client client;
    client.ready();
    //                        stream metrics exclude logProbs topK topP temperature ...
    Tokens const greedy{1, 1, 1, 0, 1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 500, -1, -1, -1, -1, -1,
        -1, -1, -1};
    CHECK(parameters(client, R"({"maxTokens": 3})") == greedy);
    CHECK(parameters(client, R"({"maxTokens": 3, "temperature": 0, "topK": 40, "topP": 0.5})") == greedy);
}

TEST("with a temperature and no filter every token stays eligible")
{
    Client client;
    client.ready();
    auto const facts = parameters(client, R"({"maxTokens": 3, "temperature": 0.7, "topK": 0})");
    CHECK_EQ(facts[4], -1);   // top-k unset
    CHECK_EQ(facts[5], 1000); // top-p 1: both unset would be greedy
    CHECK_EQ(facts[6], 700);
}

TEST("every field of a request reaches the executor")
{
    Client client;
    auto const facts = parameters(client.ready(),
        R"({"maxTokens": 3, "temperature": 1.5, "topK": 40, "topP": 0.25, "minP": 0.125, "seed": 42,
            "repetitionPenalty": 1.125, "presencePenalty": -0.5, "frequencyPenalty": 0.75, "minTokens": 2,
            "endId": 0, "stopTokenIds": [7, 999], "stopWords": [[1, 2, 3]], "badWords": [[4], [5, 6]],
            "logitBias": {"17": -100, "3": 0.5, "999": 0}, "promptIgnoreLength": 9, "noRepeatNgramSize": 3,
            "priority": 1, "timeoutMs": 1234, "logProbs": true})");
    CHECK(facts
        == Tokens({1, 1, 1, 1, 40, 250, 1500, 125, 1125, -500, 750, 42, 2, 0, 1000, 1234, -1, -1, -1, 9, 3,
            3, 3, 1, 2, 3, 1, 7, 1, 999, 2, 1, 4, 2, 5, 6, 3, 500, 17, -100000}));

    auto const decay = parameters(
        client, R"({"maxTokens": 3, "temperature": 1, "topPDecay": 0.5, "topPMin": 0.25, "topPResetId": 8})");
    CHECK(Tokens(decay.begin() + 16, decay.begin() + 19) == Tokens({250, 500, 8}));
}
