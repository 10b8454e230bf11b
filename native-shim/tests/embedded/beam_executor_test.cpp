// Beam search through the executor, on a model whose logits are a hash of all tokens: KV that went to a wrong beam
// changes the answers.
#include "check.h"
#include "hash_model.h"

#include "sampling/beam_search.h"

#include <cmath>
#include <map>

namespace
{

using namespace hash_model;
using namespace std::chrono_literals;
using embedded::BeamSearch;
using embedded::BeamSearchConfig;

ExecutorConfig config(SizeType32 maxBeamWidth, SizeType32 maxBatchSize = 12)
{
    ExecutorConfig result(maxBeamWidth);
    result.setMaxBatchSize(maxBatchSize);
    result.setMaxNumTokens(32);
    return result;
}

std::shared_ptr<HashModel> model()
{
    return std::make_shared<HashModel>(512, 4);
}

Request beamRequest(VecTokens const& prompt, SizeType32 maxTokens, SizeType32 width)
{
    SamplingConfig sampling(width);
    sampling.setLengthPenalty(0.5f);
    OutputConfig output(true);
    output.excludeInputFromOutput = true;
    Request request(prompt, maxTokens, false, sampling, output);
    request.setEndId(7);
    return request;
}

/// The search alone, with the model's logits computed from scratch.
std::vector<BeamSearch::Answer> expected(Request const& request)
{
    BeamSearchConfig beams;
    beams.width = request.getSamplingConfig().getBeamWidth();
    beams.maxTokens = request.getMaxTokens();
    beams.endId = request.getEndId();
    beams.lengthPenalty = 0.5f;
    BeamSearch search(beams, request.getInputTokenIds());
    for (SizeType32 step = 0; step < beams.maxTokens && !search.done(); ++step)
    {
        std::vector<std::vector<float>> rows;
        std::vector<float const*> pointers;
        for (auto const& beam : search.beams())
        {
            rows.push_back(logitsAfter(beam.tokens));
        }
        for (auto const& row : rows)
        {
            pointers.push_back(row.data());
        }
        search.advance(pointers, kVocabularySize);
    }
    return search.answers(FinishReason::kLENGTH);
}

std::map<IdType, Response> collect(Executor& executor, std::size_t count)
{
    std::map<IdType, Response> responses;
    while (responses.size() < count)
    {
        for (auto const& response : executor.awaitResponses(10s))
        {
            CHECK(responses.emplace(response.getRequestId(), response).second); // one each
        }
    }
    return responses;
}

} // namespace

TEST("beams of many requests at once are those of the search alone, best first, with their log-probabilities")
{
    Executor executor(model(), config(4));
    std::map<IdType, Request> requests;
    for (TokenIdType i = 0; i < 9; ++i)
    {
        VecTokens prompt{1, 2, 3, 4, 5};
        prompt.insert(prompt.end(), static_cast<std::size_t>(i), static_cast<TokenIdType>(10 + i));
        auto const request = beamRequest(prompt, 5 + i * 3, 4);
        requests.emplace(executor.enqueueRequest(request), request);
    }
    for (auto const& [id, response] : collect(executor, requests.size()))
    {
        auto const& result = response.getResult();
        auto const answers = expected(requests.at(id));
        auto const prompt = requests.at(id).getInputTokenIds();
        CHECK(result.isFinal && result.isSequenceFinal);
        CHECK_EQ(result.outputTokenIds.size(), answers.size());
        for (std::size_t beam = 0; beam < answers.size(); ++beam)
        {
            auto tokens = prompt;
            auto const& output = result.outputTokenIds[beam];
            tokens.insert(tokens.end(), output.begin(), output.end());
            CHECK(tokens == answers[beam].beam.tokens);
            CHECK(std::abs(result.cumLogProbs->at(beam) - answers[beam].beam.cumLogProb) < 1e-4);
            CHECK(result.logProbs->at(beam) == answers[beam].beam.logProbs);
            CHECK_EQ(result.finishReasons[beam], answers[beam].reason);
        }
    }
}

TEST("requests of one beam width wait for those of another, and all are answered")
{
    Executor executor(model(), config(3));
    std::map<IdType, Request> beams;
    std::map<IdType, VecTokens> greedy;
    for (TokenIdType i = 0; i < 6; ++i)
    {
        auto const request = beamRequest({i, 2, 3}, 12, 3);
        beams.emplace(executor.enqueueRequest(request), request);
        greedy[executor.enqueueRequest(Request({i, 4}, 6))] = {i, 4};
    }
    for (auto const& [id, response] : collect(executor, 12))
    {
        auto const& tokens = response.getResult().outputTokenIds;
        if (beams.count(id) > 0)
        {
            CHECK_EQ(tokens.size(), expected(beams.at(id)).size());
        }
        else
        {
            auto whole = greedy.at(id);
            auto const answer = expectedAnswer(whole, 6);
            whole.insert(whole.end(), answer.begin(), answer.end());
            CHECK(tokens.front() == whole);
        }
    }
}

TEST("numReturnSequences returns the best of the beams")
{
    Executor executor(model(), config(4));
    auto request = beamRequest({3, 1}, 10, 4);
    auto sampling = request.getSamplingConfig();
    sampling.setNumReturnSequences(2);
    request.setSamplingConfig(sampling);
    (void) executor.enqueueRequest(request);
    auto const result = collect(executor, 1).at(1).getResult();
    CHECK_EQ(result.outputTokenIds.size(), 2);
    CHECK(std::abs(result.cumLogProbs->at(0) - expected(request)[0].beam.cumLogProb) < 1e-4);
}

TEST("a cancelled search ends with its reason and frees its blocks")
{
    Executor executor(model(), config(4, 4));
    auto request = beamRequest({3, 1}, 500, 4);
    request.setEndId(-1);
    auto const id = executor.enqueueRequest(request);
    executor.cancelRequest(id);
    auto const result = collect(executor, 1).at(id).getResult();
    CHECK_EQ(result.finishReasons.front(), FinishReason::kCANCELLED);
    CHECK(result.outputTokenIds.front().empty());
    (void) executor.enqueueRequest(beamRequest({3, 1}, 10, 4));
    CHECK(!collect(executor, 1).begin()->second.hasError());
}

TEST("what beam search cannot do is refused by name")
{
    Executor executor(model(), config(3));
    auto wide = beamRequest({1}, 4, 4);
    auto streaming = beamRequest({1}, 4, 3);
    streaming.setStreaming(true);
    auto logits = beamRequest({1}, 4, 3);
    logits.setOutputConfig(OutputConfig(false, false, true));
    (void) executor.enqueueRequest(wide);
    (void) executor.enqueueRequest(streaming);
    (void) executor.enqueueRequest(logits);
    auto const responses = collect(executor, 3);
    CHECK(responses.at(1).getErrorMsg().find("maxBeamWidth 3") != std::string::npos);
    CHECK(responses.at(2).getErrorMsg().find("stream") != std::string::npos);
    CHECK(responses.at(3).hasError());
    auto paused = config(3);
    paused.setSchedulerConfig(SchedulerConfig(CapacitySchedulerPolicy::kMAX_UTILIZATION));
    CHECK_THROWS(Executor(model(), paused));
}
