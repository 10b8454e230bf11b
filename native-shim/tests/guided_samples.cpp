// Writes a text for each guide that it reads, with a model whose every token is about as likely as the next:
// {"guided": {...}, "seed", "maxTokens"} a line in, {"text", "complete"} or {"error"} a line out, in the same order.
#include "guided_decoding.h"
#include "guided_model.h"

#include <cstdio>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

int main()
{
    using namespace guided_model;
    auto config = executorConfig(16);
    config.setMaxQueueSize(1 << 20);
    Executor executor(std::make_shared<hash_model::HashModel>(4096, 32), config);
    std::size_t open = 0;
    for (std::string line; std::getline(std::cin, line); ++open)
    {
        auto const sample = nlohmann::json::parse(line);
        auto const guided = trtllm_shim::guidedDecodingParams(
            trtllm_shim::JsonObject(sample, "", {"guided", "seed", "maxTokens"}));
        (void) executor.enqueueRequest(
            request(*guided, sample.at("seed").get<RandomSeedType>(), sample.at("maxTokens").get<SizeType32>()));
    }
    std::map<IdType, VecTokens> tokens;
    std::map<IdType, nlohmann::json> results;
    while (results.size() < open)
    {
        for (auto const& response : executor.awaitResponses())
        {
            auto const id = response.getRequestId();
            if (response.hasError())
            {
                results[id] = {{"error", response.getErrorMsg()}};
                continue;
            }
            auto const& result = response.getResult();
            tokens[id].insert(tokens[id].end(), result.outputTokenIds[0].begin(), result.outputTokenIds[0].end());
            if (result.isFinal)
            {
                results[id]
                    = {{"text", text(tokens[id])}, {"complete", result.finishReasons[0] == FinishReason::kEND_ID}};
            }
        }
    }
    for (auto const& [id, result] : results)
    {
        std::puts(result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    }
}
