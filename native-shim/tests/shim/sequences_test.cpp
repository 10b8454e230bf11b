#include "client.h"

#include <cmath>
#include <map>

namespace
{

using namespace synthetic;
using Tokens = std::vector<std::int32_t>;

struct Sequence
{
    Tokens tokens;
    std::vector<float> logProbs;
    Record end;
    bool ended{false};
};

struct Several
{
    std::map<std::uint32_t, Sequence> sequences;
    Record end; // FINAL or ERROR
};

/// Everything about one request, which is the only one.
Several several(Client& client, std::uint64_t id)
{
    Several answer;
    for (;;)
    {
        auto const record = client.next();
        CHECK_EQ(record.header.request_id, id);
        auto& sequence = answer.sequences[record.header.sequence_index];
        switch (record.header.kind)
        {
        case TRTLLM_RECORD_TOKENS:
            CHECK(!sequence.ended);
            sequence.tokens.insert(sequence.tokens.end(), record.tokens.begin(), record.tokens.end());
            sequence.logProbs.insert(sequence.logProbs.end(), record.logProbs.begin(), record.logProbs.end());
            break;
        case TRTLLM_RECORD_SEQUENCE_END:
            CHECK(!sequence.ended);
            sequence.ended = true;
            sequence.end = record;
            break;
        default: answer.end = record; return answer;
        }
    }
}

bool contains(trtllm_error const& error, char const* text)
{
    return std::string(error.message).find(text) != std::string::npos;
}

constexpr auto kBeams = R"({"maxBeamWidth": 4})";

} // namespace

TEST("each of several sequences has its own tokens, end and cumulative log-probability")
{
    Client client(R"({"tokensPerResponse": 2})");
    auto const id
        = client.ready().submit({100}, R"({"maxTokens": 5, "numReturnSequences": 3, "temperature": 1, "logProbs": true})");
    auto const answer = several(client, id);
    CHECK_EQ(answer.sequences.size(), 3);
    CHECK(answer.sequences.at(0).tokens == Tokens({101, 102, 103, 104, 105}));
    CHECK(answer.sequences.at(1).tokens == Tokens({102, 103, 104, 105}));
    CHECK(answer.sequences.at(2).tokens == Tokens({103, 104, 105}));
    CHECK(answer.sequences.at(2).logProbs == std::vector<float>({-1, -2, -3}));
    CHECK_EQ(answer.sequences.at(2).end.cumulativeLogProb, -6.0f);
    CHECK_EQ(answer.sequences.at(2).end.header.finish_reason, TRTLLM_FINISH_END_ID);
    CHECK_EQ(answer.sequences.at(0).end.header.finish_reason, TRTLLM_FINISH_LENGTH);
    CHECK_EQ(answer.end.header.kind, TRTLLM_RECORD_FINAL);
    CHECK_EQ(answer.end.final.kv_blocks_allocated, 4);
    CHECK(client.silent());
}

TEST("without log-probabilities a sequence has no cumulative one, and a single sequence no end of its own")
{
    Client client;
    auto const both = several(client, client.ready().submit({100}, R"({"maxTokens": 2, "numReturnSequences": 2})"));
    CHECK(std::isnan(both.sequences.at(1).end.cumulativeLogProb));
    CHECK(!several(client, client.submit({100}, R"({"maxTokens": 2, "numReturnSequences": 1})")).sequences.at(0).ended);
}

TEST("a cancel ends the sequences that still run")
{
    Client client(R"({"stepDelayMs": 1})");
    auto const id = client.ready().submit({kENDLESS}, R"({"maxTokens": 100, "numReturnSequences": 2})");
    CHECK_EQ(trtllm_executor_cancel(client.handle, id, nullptr), TRTLLM_OK);
    auto const answer = several(client, id);
    CHECK_EQ(answer.sequences.at(0).end.header.finish_reason, TRTLLM_FINISH_CANCELLED);
    CHECK_EQ(answer.sequences.at(1).end.header.finish_reason, TRTLLM_FINISH_CANCELLED);
    CHECK_EQ(answer.end.header.finish_reason, TRTLLM_FINISH_CANCELLED);
}

TEST("beams come whole, best first, with their cumulative log-probabilities")
{
    Client client("{}", kBeams);
    auto const id = client.ready().submit({100}, R"({"maxTokens": 4, "beamWidth": 3, "numReturnSequences": 2})");
    auto const answer = several(client, id);
    CHECK_EQ(answer.sequences.size(), 2);
    CHECK(answer.sequences.at(0).tokens == Tokens({101, 102, 103, 104}));
    CHECK(answer.sequences.at(0).logProbs.empty());
    CHECK_EQ(answer.sequences.at(0).end.cumulativeLogProb, -10.0f);
    CHECK(answer.sequences.at(1).tokens == Tokens({102, 103, 104}));
    CHECK_EQ(answer.sequences.at(1).end.header.finish_reason, TRTLLM_FINISH_END_ID);
    CHECK_EQ(answer.end.header.finish_reason, TRTLLM_FINISH_LENGTH);

    auto const all = several(client, client.submit({100}, R"({"maxTokens": 2, "beamWidth": 4, "logProbs": true})"));
    CHECK_EQ(all.sequences.size(), 4);
    CHECK(all.sequences.at(0).logProbs == std::vector<float>({-1, -2}));
}

TEST("what a beam search is told reaches the executor, and it does not stream")
{
    Client client("{}", kBeams);
    auto const answer = several(client,
        client.ready().submit({kPARAMETERS},
            R"({"maxTokens": 3, "beamWidth": 4, "numReturnSequences": 2, "lengthPenalty": 0.5,
                "beamSearchDiversityRate": 0.25, "earlyStopping": 2, "temperature": 0.75})"));
    auto const& facts = answer.sequences.at(0).tokens;
    CHECK_EQ(facts[0], 0);  // streaming
    CHECK_EQ(facts[4], -1); // top-k
    CHECK_EQ(facts[6], 750);
    CHECK(Tokens(facts.begin() + 21, facts.begin() + 26) == Tokens({2, 4, 500, 250, 2}));
}

TEST("a request of sequences that cannot be is refused with the reason")
{
    Client client("{}", R"({"maxBeamWidth": 4, "kvCache": {"maxTokens": 80}})");
    client.ready();
    CHECK(contains(client.refusal({1}, R"({"maxTokens": 1, "beamWidth": 5})"), "maxBeamWidth 4"));
    CHECK(contains(client.refusal({1}, R"({"maxTokens": 1, "beamWidth": 2, "numReturnSequences": 3})"), "beams at most"));
    CHECK(contains(client.refusal({1}, R"({"maxTokens": 1, "lengthPenalty": 1})"), "beamWidth above 1"));
    CHECK(contains(client.refusal({1}, R"({"maxTokens": 1, "beamWidth": 2, "topP": 0.5})"), "topP has no meaning"));
    CHECK_EQ(client.refusal({1}, R"({"maxTokens": 1, "numReturnSequences": 0})").code, TRTLLM_ERR_INVALID_ARGUMENT);
    CHECK_EQ(
        client.refusal({1}, R"({"maxTokens": 1, "beamWidth": 2, "guided": {"json": true}})").code, TRTLLM_ERR_UNSUPPORTED);
    CHECK_EQ(client.refusal({1}, R"({"maxTokens": 1, "beamWidth": 2, "logProbs": true, "topLogProbs": 1})").code,
        TRTLLM_ERR_UNSUPPORTED);
}

TEST("the KV blocks of all sequences must fit, of which the prompt's full ones are shared")
{
    Client client("{}", R"({"maxBeamWidth": 4, "kvCache": {"maxTokens": 80}})"); // 5 blocks of 16 tokens
    client.ready();
    auto const error = client.refusal(Tokens(32, 1), R"({"maxTokens": 16, "numReturnSequences": 4})");
    CHECK_EQ(error.code, TRTLLM_ERR_KV_CACHE_FULL);
    CHECK(contains(error, "for 4 sequences") && contains(error, "6 KV blocks"));
    CHECK_EQ(client.refusal(Tokens(32, 1), R"({"maxTokens": 16, "beamWidth": 4})").code, TRTLLM_ERR_KV_CACHE_FULL);
    several(client, client.submit(Tokens(32, 1), R"({"maxTokens": 16, "numReturnSequences": 3})"));
}
