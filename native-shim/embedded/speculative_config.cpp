#include "speculative_config.h"

#include "json_object.h"
#include "load_error.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

namespace
{

constexpr SizeType32 kDefaultNgramDraftLen = 15;
constexpr SizeType32 kDefaultModelDraftLen = 4;
constexpr SizeType32 kDefaultMaxMatchingNgramSize = 4;
/// What it guesses beyond this is hardly ever right, and each step would be as long as that of a prompt.
constexpr SizeType32 kLargestMaxDraftLen = 64;

class SpeculatingModel : public Model
{
public:
    SpeculatingModel(std::shared_ptr<Model> model, Speculation speculation)
        : mModel(std::move(model))
        , mSpeculation(std::move(speculation))
    {
    }

    [[nodiscard]] EngineLimits limits() const override
    {
        auto limits = mModel->limits();
        limits.speculation = mSpeculation;
        return limits;
    }

    [[nodiscard]] LoraShapes loraShapes() const override
    {
        return mModel->loraShapes();
    }

    [[nodiscard]] std::unique_ptr<ModelRunner> createRunner(Limits const& limits) override
    {
        return mModel->createRunner(limits);
    }

private:
    std::shared_ptr<Model> const mModel;
    Speculation const mSpeculation;
};

/// The first token that differs; none where both are the same.
std::optional<llama_token> firstDifference(LlamaModelPtr const& a, LlamaModelPtr const& b)
{
    auto const* const left = llama_model_get_vocab(a.get());
    auto const* const right = llama_model_get_vocab(b.get());
    auto const common = std::min(llama_vocab_n_tokens(left), llama_vocab_n_tokens(right));
    for (llama_token token = 0; token < common; ++token)
    {
        if (std::strcmp(llama_vocab_get_text(left, token), llama_vocab_get_text(right, token)) != 0)
        {
            return token;
        }
    }
    bool const same = llama_vocab_n_tokens(left) == llama_vocab_n_tokens(right);
    return same ? std::nullopt : std::optional<llama_token>(common);
}

void checkDraft(LoadedModel const& draft, LoadedModel const& engine, std::filesystem::path const& path)
{
    std::string reason;
    if (!draft.vocabulary || !engine.vocabulary)
    {
        reason = std::string(draft.vocabulary ? "the engine" : "it")
            + " has no GGUF, without which nobody can tell whether both have one vocabulary";
    }
    else if (auto const token = firstDifference(draft.vocabulary, engine.vocabulary))
    {
        reason = "its vocabulary differs from the engine's from token " + std::to_string(*token) + " on";
    }
    else if (!draft.model->limits().keepsPrefixes)
    {
        reason = "the state of a recurrent model cannot be taken back";
    }
    if (!reason.empty())
    {
        throw LoadError(LoadError::Kind::kINCOMPATIBLE, path.string() + " cannot draft for this engine: " + reason);
    }
}

} // namespace

std::optional<SpeculativeConfig> parseSpeculativeConfig(nlohmann::json const& options)
{
    auto const found = options.find("speculativeConfig");
    if (found == options.end())
    {
        return std::nullopt;
    }
    trtllm_shim::JsonObject const object(*found, "embedded.speculativeConfig",
        {"decodingType", "maxDraftLen", "maxMatchingNgramSize", "speculativeModel", "maxConcurrency"});
    auto const type = object.string("decodingType").value_or("");
    bool const byModel = type == "DraftTarget";
    if (!byModel && type != "NGram")
    {
        object.refuse("decodingType", type,
            "\"NGram\" or \"DraftTarget\": Medusa, Eagle, ReDrafter and lookahead need engines that are built for them");
    }
    SpeculativeConfig config{};
    auto& speculation = config.speculation;
    speculation.maxDraftLen = object.integer("maxDraftLen", 1, kLargestMaxDraftLen).value_or(
        byModel ? kDefaultModelDraftLen : kDefaultNgramDraftLen);
    speculation.maxConcurrency = object.integer("maxConcurrency", 1);
    auto const ngram = object.integer("maxMatchingNgramSize", 1);
    auto const path = object.string("speculativeModel");
    if (byModel && (!path || path->empty() || path->find('\0') != std::string::npos))
    {
        object.refuse("speculativeModel", path.value_or(""), "the path of the draft model");
    }
    if (byModel && ngram)
    {
        object.refuse("maxMatchingNgramSize", *ngram, "nothing: it belongs to decodingType \"NGram\"");
    }
    if (!byModel && path)
    {
        object.refuse("speculativeModel", *path, "nothing: it belongs to decodingType \"DraftTarget\"");
    }
    config.draftModel = path;
    speculation.maxMatchingNgramSize = byModel ? 0 : ngram.value_or(kDefaultMaxMatchingNgramSize);
    return config;
}

std::shared_ptr<Model> speculating(LoadedModel const& engine, SpeculativeConfig const& config,
    LoadOptions const& options, std::function<bool(float)> const& progress)
{
    auto speculation = config.speculation;
    if (config.draftModel)
    {
        LoadOptions draftOptions;
        draftOptions.runner = options.runner;
        draftOptions.threads = options.threads;
        draftOptions.maxBatchSize = options.maxBatchSize;
        draftOptions.maxSequenceTokens = engine.model->limits().maxSequenceTokens;
        auto const draft = loadModel(*config.draftModel, draftOptions, progress);
        checkDraft(draft, engine, *config.draftModel);
        speculation.draftModel = draft.model;
    }
    return std::make_shared<SpeculatingModel>(engine.model, std::move(speculation));
}

} // namespace tensorrt_llm::executor::embedded
