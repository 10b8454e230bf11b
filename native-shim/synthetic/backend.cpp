// The shim's seam to the synthetic executor.
#include "backend.h"

#include "launched_world.h"
#include "model.h"
#include "script_json.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <new>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

char const* tensorrt_llm::executor::version() noexcept
{
    return "0.0.1-synthetic";
}

namespace trtllm_shim
{

namespace
{

namespace trt = tensorrt_llm::executor;

/// Each byte is a token of its own. BOS is 256, EOS 257.
class ByteVocabulary final : public Vocabulary
{
public:
    explicit ByteVocabulary(std::string chatTemplate)
        : mChatTemplate(std::move(chatTemplate))
    {
    }

    std::optional<std::int32_t> bosId() const override
    {
        return 256;
    }

    std::optional<std::int32_t> eosId() const override
    {
        return std::nullopt;
    }

    std::vector<std::int32_t> endIds() const override
    {
        return {257};
    }

    bool addBos() const override
    {
        return true;
    }

    std::optional<std::string> chatTemplate() const override
    {
        return mChatTemplate;
    }

    std::vector<TokenPiece> pieces() const override
    {
        std::vector<TokenPiece> all;
        for (int byte = 0; byte < 256; ++byte)
        {
            all.push_back({std::string(1, static_cast<char>(byte)), false});
        }
        all.push_back({"<s>", true});
        all.push_back({"", true});
        return all;
    }

    std::vector<std::int32_t> tokenize(std::string_view text, bool addSpecial, bool parseSpecial) const override
    {
        std::vector<std::int32_t> tokens;
        if (addSpecial)
        {
            tokens.push_back(256);
        }
        if (parseSpecial && text == "<s>")
        {
            tokens.push_back(256);
            return tokens;
        }
        for (auto const character : text)
        {
            tokens.push_back(static_cast<unsigned char>(character));
        }
        return tokens;
    }

private:
    std::string mChatTemplate;
};

/// Of the configuration, or of the engine file, so that a caller without such options has a script too. Of an engine
/// directory as trtllm-build makes it each rank has its own.
synthetic::Script readScript(std::filesystem::path const& engine, nlohmann::json const& options)
{
    auto const rank = "rank" + std::to_string(trtllm_world::launchedWorld().rank) + ".engine";
    auto const path = std::filesystem::is_directory(engine) ? engine / rank : engine;
    if (!std::filesystem::is_regular_file(path))
    {
        return synthetic::parseScript(options);
    }
    std::ifstream file(path);
    try
    {
        return synthetic::parseScript(nlohmann::json::parse(file));
    }
    catch (nlohmann::json::exception const& error)
    {
        throw StatusError(TRTLLM_ERR_ENGINE_CORRUPT, path.string() + " is no script: " + error.what());
    }
}

void pretendToLoad(synthetic::Script const& script, LoadProgress const& progress)
{
    if (script.replacesHandlers)
    {
        std::signal(SIGABRT, SIG_IGN);
        std::signal(SIGSEGV, SIG_IGN);
    }
    if (script.loadFault)
    {
        synthetic::strike(*script.loadFault);
    }
    auto going = std::all_of(script.progress.begin(), script.progress.end(), progress);
    while (going && script.loadUntilStopped)
    {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        going = progress(0.5f);
    }
    if (!going && !script.ignoresStop)
    {
        throw StatusError(TRTLLM_ERR_ABORTED, "The load was stopped.");
    }
    if (!script.loadError.empty())
    {
        throw std::runtime_error(script.loadError);
    }
    if (script.noMemory)
    {
        throw std::bad_alloc();
    }
    if (script.oddError)
    {
        throw 42;
    }
}

} // namespace

LoadedEngine loadEngine(std::filesystem::path const& path, trt::ExecutorConfig const& config,
    nlohmann::json const& options, LoadProgress const& progress)
{
    auto const script = readScript(path, options);
    pretendToLoad(script, progress);

    LoadedEngine engine;
    auto& facts = engine.description;
    facts.format = "gguf";
    facts.name = script.brokenNames ? "bro\xffken" : "script";
    facts.architecture = "synthetic";
    facts.device = "none";
    facts.parameterCount = 135'000'000'000;
    facts.weightBytes = 98'000'000;
    facts.vocabularySize = script.vocabularySize;
    facts.maxSequenceTokens = script.maxSequenceTokens;
    facts.maxBatchSize = config.getMaxBatchSize().value_or(synthetic::kDefaultBatchSize);
    facts.maxBeamWidth = config.getMaxBeamWidth();
    facts.maxNumTokens = config.getMaxNumTokens().value_or(64);
    facts.maxQueueSize = config.getMaxQueueSize().value_or(1'000'000);
    facts.tokensPerBlock = synthetic::kTokensPerBlock;
    facts.kvBlocks = synthetic::kvBlocks(script, config);
    facts.kvBytesPerToken = 23'040;
    if (script.vocabulary)
    {
        engine.vocabulary = std::make_shared<ByteVocabulary>(script.brokenNames ? "{{ \xff }}" : "{{ messages }}");
    }
    engine.lora.dataType = trt::DataType::kFP16;
    engine.lora.maxRank = 4;
    engine.lora.targets = {{{0, 1}, {2, 3}}, {{1, 4}, {3, 2}}};
    engine.executor = std::make_unique<trt::Executor>(std::make_shared<trt::Model>(script), config);
    return engine;
}

char const* backendName() noexcept
{
    return "synthetic";
}

std::vector<std::pair<std::string, std::string>> backendLibraries()
{
    return {{"paper", "1.0"}, {"pencil", "2B"}};
}

} // namespace trtllm_shim
