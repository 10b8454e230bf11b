// The shim's seam to the scripted executor.
#include "backend.h"

#include "model.h"

#include <algorithm>
#include <new>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

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

scripted::Script parseScript(nlohmann::json const& options)
{
    scripted::Script script;
    script.stepDelay = std::chrono::milliseconds(options.value("stepDelayMs", 0));
    script.progress = options.value("progress", script.progress);
    script.loadUntilStopped = options.value("loadUntilStopped", false);
    script.ignoresStop = options.value("ignoresStop", false);
    script.loadError = options.value("loadError", "");
    script.noMemory = options.value("noMemory", false);
    script.vocabulary = options.value("vocabulary", true);
    script.brokenNames = options.value("brokenNames", false);
    return script;
}

void pretendToLoad(scripted::Script const& script, LoadProgress const& progress)
{
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
}

} // namespace

LoadedEngine loadEngine(std::filesystem::path const&, trt::ExecutorConfig const& config, nlohmann::json const& options,
    LoadProgress const& progress)
{
    auto const script = parseScript(options);
    pretendToLoad(script, progress);

    LoadedEngine engine;
    auto& facts = engine.description;
    facts.format = "gguf";
    facts.name = script.brokenNames ? "bro\xffken" : "script";
    facts.architecture = "scripted";
    facts.parameterCount = 135'000'000'000;
    facts.weightBytes = 98'000'000;
    facts.vocabularySize = 1000;
    facts.maxSequenceTokens = 256;
    facts.maxBatchSize = config.getMaxBatchSize().value_or(4);
    facts.maxNumTokens = config.getMaxNumTokens().value_or(64);
    facts.maxQueueSize = config.getMaxQueueSize().value_or(1'000'000);
    facts.tokensPerBlock = 16;
    facts.kvBlocks = (config.getKvCacheConfig().getMaxTokens().value_or(1600) + 15) / 16;
    facts.kvBytesPerToken = 23'040;
    if (script.vocabulary)
    {
        engine.vocabulary = std::make_shared<ByteVocabulary>(script.brokenNames ? "{{ \xff }}" : "{{ messages }}");
    }
    engine.executor = std::make_unique<trt::Executor>(std::make_shared<trt::Model>(script), config);
    return engine;
}

char const* backendName() noexcept
{
    return "scripted";
}

std::vector<std::pair<std::string, std::string>> backendLibraries()
{
    return {{"paper", "1.0"}, {"pencil", "2B"}};
}

} // namespace trtllm_shim
