#include "client.h"

#include <chrono>

namespace
{

using namespace synthetic;
using Tokens = std::vector<std::int32_t>;

} // namespace

TEST("a request's tokens come in order, and then its final record")
{
    Client client;
    auto const id = client.ready().submit({100, 5, 5}, R"({"maxTokens": 5})");
    auto const answer = client.answer(id);
    CHECK(answer.tokens == Tokens({101, 102, 103, 104, 105}));
    CHECK(answer.logProbs.empty());
    CHECK_EQ(answer.end.header.kind, TRTLLM_RECORD_FINAL);
    CHECK_EQ(answer.end.header.finish_reason, TRTLLM_FINISH_LENGTH);
    CHECK(client.silent());
}

TEST("the final record carries times of the monotonic clock and KV blocks")
{
    auto const now = []
    { return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()); };
    Client client;
    client.ready();
    auto const start = now();
    auto const end = client.answer(client.submit({100})).end;
    CHECK(start <= end.final.arrival_ns);
    CHECK(end.final.arrival_ns <= end.final.first_token_ns);
    CHECK(end.final.first_token_ns <= end.final.last_token_ns);
    CHECK(end.final.last_token_ns <= end.header.time_ns);
    CHECK(end.header.time_ns <= now());
    CHECK_EQ(end.final.kv_blocks_allocated, 4);
    CHECK_EQ(end.final.kv_blocks_new, 3);
    CHECK_EQ(end.final.kv_blocks_reused, 1);
    CHECK_EQ(end.final.kv_blocks_missed, 2);
    CHECK_EQ(end.final.draft_tokens, 6);
    CHECK_EQ(end.final.accepted_draft_tokens, 3);
}

TEST("log-probs come with their tokens, each once, though the executor repeats them")
{
    Client client;
    auto const answer = client.answer(client.ready().submit({100}, R"({"maxTokens": 4, "logProbs": true})"));
    CHECK(answer.tokens == Tokens({101, 102, 103, 104}));
    CHECK(answer.logProbs == std::vector<float>({-1.0f, -2.0f, -3.0f, -4.0f}));
}

TEST("tokens that come with the final response precede the final record")
{
    Client client;
    auto const id = client.ready().submit({kTOKENS_IN_FINAL}, R"({"maxTokens": 2, "logProbs": true})");
    auto const answer = client.answer(id);
    CHECK(answer.tokens == Tokens({kTOKENS_IN_FINAL + 1, kTOKENS_IN_FINAL + 2}));
    CHECK(answer.logProbs == std::vector<float>({-1.0f, -2.0f}));
    CHECK_EQ(answer.end.header.finish_reason, TRTLLM_FINISH_LENGTH);
}

TEST("an answer that is ready before the request has its id is not lost")
{
    Client client(R"({"stepDelayMs": 1})");
    client.ready().submit({kENDLESS}, R"({"maxTokens": 100})"); // keeps the dispatcher at work
    for (int i = 0; i < 20; ++i)
    {
        auto const id = client.submit({kANSWER_FIRST});
        Answer answer;
        while (answer.end.header.kind != TRTLLM_RECORD_FINAL)
        {
            auto const record = client.next();
            if (record.header.request_id == id)
            {
                answer.tokens.insert(answer.tokens.end(), record.tokens.begin(), record.tokens.end());
                answer.end = record;
            }
        }
        CHECK(answer.tokens == Tokens({kANSWER_FIRST + 1, kANSWER_FIRST + 2, kANSWER_FIRST + 3}));
    }
}

TEST("an error response without result ends its request")
{
    Client client;
    auto const answer = client.answer(client.ready().submit({kERROR}));
    CHECK_EQ(answer.tokens.size(), 1);
    CHECK_EQ(answer.end.header.kind, TRTLLM_RECORD_ERROR);
    CHECK_EQ(answer.end.status, TRTLLM_ERR_EXECUTOR);
    CHECK_EQ(answer.end.text, "Encountered an error in forwardAsync function: made up");
    CHECK(client.answer(client.submit({1})).tokens == Tokens({2, 3, 4}));
}

TEST("an error that TensorRT-LLM words as the request's own is an invalid argument")
{
    Client client;
    auto const answer = client.answer(client.ready().submit({1}, R"({"maxTokens": 3, "guided": {"json": true}})"));
    CHECK_EQ(answer.end.header.kind, TRTLLM_RECORD_ERROR);
    CHECK_EQ(answer.end.status, TRTLLM_ERR_INVALID_ARGUMENT);
    CHECK(answer.end.text.find("guided decoding needs a GuidedDecodingConfig") != std::string::npos);
}

TEST("a final response may have no sequences and no metrics")
{
    Client client;
    auto const answer = client.answer(client.ready().submit({kEMPTY_FINAL}));
    CHECK(answer.tokens.empty());
    CHECK_EQ(answer.end.header.kind, TRTLLM_RECORD_FINAL);
    CHECK_EQ(answer.end.header.finish_reason, TRTLLM_FINISH_TIMED_OUT);
    CHECK_EQ(answer.end.final.arrival_ns, 0);
    CHECK_EQ(answer.end.final.last_token_ns, 0);
}

TEST("a request that ends without a reason ends with an error")
{
    Client client;
    auto const answer = client.answer(client.ready().submit({kNO_REASON}));
    CHECK_EQ(answer.end.header.kind, TRTLLM_RECORD_ERROR);
    CHECK_EQ(answer.end.status, TRTLLM_ERR_EXECUTOR);
}

TEST("odd shapes are not read beyond their ends")
{
    Client client;
    auto const answer = client.answer(client.ready().submit({kODD_SHAPES}, R"({"maxTokens": 3, "logProbs": true})"));
    CHECK(answer.tokens == Tokens({1, 2, 3}));
    CHECK(answer.logProbs.empty());
    CHECK_EQ(answer.end.header.sequence_index, 0);
    CHECK_EQ(answer.end.final.arrival_ns, 0);
    CHECK_EQ(answer.end.final.first_token_ns, 0);
    CHECK(answer.end.final.last_token_ns > 0);
    CHECK_EQ(answer.end.final.kv_blocks_allocated, 0);
}

TEST("nothing follows a final record, whatever the executor goes on to say")
{
    Client client;
    auto const answer = client.answer(client.ready().submit({kTALKS_ON}));
    CHECK_EQ(answer.end.header.finish_reason, TRTLLM_FINISH_END_ID);
    client.answer(client.submit({1}));
    CHECK(client.silent());
}

TEST("responses for a request that nobody made are dropped")
{
    Client client;
    CHECK_EQ(client.answer(client.ready().submit({kSTRANGER})).tokens.size(), 3);
    CHECK(client.silent());
}

TEST("a cancelled request ends with its final record and keeps the tokens it had")
{
    Client client(R"({"stepDelayMs": 1})");
    auto const id = client.ready().submit({kENDLESS}, R"({"maxTokens": 100})");
    auto const first = client.next();
    CHECK_EQ(first.header.kind, TRTLLM_RECORD_TOKENS);
    CHECK_EQ(trtllm_executor_cancel(client.handle, id, nullptr), TRTLLM_OK);
    auto const end = client.answer(id).end;
    CHECK_EQ(end.header.kind, TRTLLM_RECORD_FINAL);
    CHECK_EQ(end.header.finish_reason, TRTLLM_FINISH_CANCELLED);
    CHECK_EQ(trtllm_executor_cancel(client.handle, id, nullptr), TRTLLM_OK);
    CHECK(client.silent());
}

TEST("cancelling what never was does nothing")
{
    Client client;
    client.ready();
    CHECK_EQ(trtllm_executor_cancel(client.handle, 0, nullptr), TRTLLM_OK);
    CHECK_EQ(trtllm_executor_cancel(client.handle, 12345, nullptr), TRTLLM_OK);
    CHECK_EQ(client.answer(client.submit({1})).tokens.size(), 3);
}

TEST("an executor that throws on enqueue refuses that request only")
{
    Client client;
    client.ready();
    auto const error = client.refusal({kBREAK_ENQUEUE});
    CHECK_EQ(error.code, TRTLLM_ERR_EXECUTOR);
    CHECK_EQ(std::string(error.message), "The enqueue broke.");
    CHECK_EQ(client.refusal({kBREAK_ENQUEUE_ODDLY}).code, TRTLLM_ERR_EXECUTOR);
    CHECK_EQ(client.answer(client.submit({1})).tokens.size(), 3);
}
