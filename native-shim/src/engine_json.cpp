#include "engine_json.h"

#include <nlohmann/json.hpp>

namespace trtllm_shim
{

namespace
{

template <typename T>
nlohmann::json orNull(std::optional<T> const& value)
{
    return value ? nlohmann::json(*value) : nlohmann::json();
}

nlohmann::json vocabularyJson(Vocabulary const* vocabulary, std::int32_t size)
{
    if (vocabulary == nullptr)
    {
        return nullptr;
    }
    return {{"size", size}, {"bosId", orNull(vocabulary->bosId())}, {"eosId", orNull(vocabulary->eosId())},
        {"endIds", vocabulary->endIds()}, {"addBos", vocabulary->addBos()},
        {"chatTemplate", orNull(vocabulary->chatTemplate())}};
}

} // namespace

std::string readyJson(
    std::filesystem::path const& path, EngineDescription const& engine, Vocabulary const* vocabulary)
{
    nlohmann::json const json = {
        {"engine",
            {{"path", std::filesystem::absolute(path).string()}, {"format", engine.format}, {"name", engine.name},
                {"architecture", engine.architecture}, {"device", engine.device}, {"parameterCount", engine.parameterCount},
                {"weightBytes", engine.weightBytes}, {"vocabularySize", engine.vocabularySize},
                {"maxSequenceTokens", engine.maxSequenceTokens}, {"maxBatchSize", engine.maxBatchSize},
                {"maxBeamWidth", engine.maxBeamWidth},
                {"maxNumTokens", engine.maxNumTokens}, {"maxQueueSize", engine.maxQueueSize},
                {"tokensPerBlock", engine.tokensPerBlock}, {"kvBlocks", engine.kvBlocks},
                {"kvBytesPerToken", engine.kvBytesPerToken}}},
        {"vocabulary", vocabularyJson(vocabulary, engine.vocabularySize)},
    };
    // Names come from engine files, where nothing makes them valid UTF-8.
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace trtllm_shim
