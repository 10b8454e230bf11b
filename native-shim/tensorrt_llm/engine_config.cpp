#include "engine_config.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace trtllm_shim
{

namespace
{

namespace fs = std::filesystem;
using Json = nlohmann::json;

[[noreturn]] void corrupt(fs::path const& file, std::string const& what)
{
    throw StatusError(TRTLLM_ERR_ENGINE_CORRUPT, file.string() + ": " + what + " Build the engine again.");
}

[[noreturn]] void incompatible(std::string const& message)
{
    throw StatusError(TRTLLM_ERR_ENGINE_INCOMPATIBLE, message);
}

Json readFile(fs::path const& file)
{
    std::ifstream stream(file);
    auto json = Json::parse(stream, nullptr, false);
    if (!json.is_object())
    {
        corrupt(file, "it is no JSON object.");
    }
    return json;
}

/// One of config.json's objects.
class Section
{
public:
    Section(Json const& parent, char const* name, fs::path const& file)
        : mName(name)
        , mFile(file)
    {
        auto const found = parent.find(name);
        if (found != parent.end() && !found->is_object())
        {
            corrupt(file, "\"" + mName + "\" is no object.");
        }
        mJson = found == parent.end() ? Json::object() : *found;
    }

    /// `otherwise` where the key is absent or null; without it the key must be there.
    [[nodiscard]] std::int32_t integer(char const* key, std::optional<std::int32_t> otherwise = std::nullopt) const
    {
        auto const found = mJson.find(key);
        if ((found == mJson.end() || found->is_null()) && otherwise)
        {
            return *otherwise;
        }
        if (found == mJson.end() || !found->is_number_integer() || found->get<std::int64_t>() < 0
            || found->get<std::int64_t>() > INT32_MAX)
        {
            corrupt(mFile,
                "\"" + mName + "." + key + "\" is " + (found == mJson.end() ? "missing" : found->dump())
                    + "; expected a whole number.");
        }
        return found->get<std::int32_t>();
    }

    [[nodiscard]] std::string string(char const* key) const
    {
        auto const found = mJson.find(key);
        return found != mJson.end() && found->is_string() ? found->get<std::string>() : "";
    }

    /// Those of an array that are strings; none where there is no array.
    [[nodiscard]] std::vector<std::string> strings(char const* key) const
    {
        std::vector<std::string> all;
        auto const found = mJson.find(key);
        if (found != mJson.end() && found->is_array())
        {
            std::copy_if(found->begin(), found->end(), std::back_inserter(all),
                [](Json const& each) { return each.is_string(); });
        }
        return all;
    }

    [[nodiscard]] Section section(char const* key) const
    {
        return {mJson, key, mFile};
    }

private:
    std::string mName;
    fs::path mFile;
    Json mJson;
};

fs::path rankFile(fs::path const& directory, std::int32_t rank)
{
    return directory / ("rank" + std::to_string(rank) + ".engine");
}

double kvBytesPerElement(Section const& model)
{
    auto const algorithm = model.section("quantization").string("kv_cache_quant_algo");
    if (algorithm == "FP8" || algorithm == "INT8")
    {
        return 1;
    }
    if (algorithm == "NVFP4")
    {
        return 0.5 + 1.0 / 16; // and a scale of 8 bits for 16 elements
    }
    return model.string("dtype") == "float32" ? 4 : 2;
}

std::int32_t headSize(Section const& model)
{
    auto const heads = model.integer("num_attention_heads", 0);
    return model.integer("head_size", heads > 0 ? model.integer("hidden_size", 0) / heads : 0);
}

/// What the engine was built for; nothing without the LoRA plugin, which is null then.
LoraSupport loraSupport(Section const& model, Section const& build)
{
    auto const config = build.section("lora_config");
    auto const type = model.string("dtype");
    LoraSupport lora;
    lora.dataType = type == "float32" ? tensorrt_llm::executor::DataType::kFP32
        : type == "float16"           ? tensorrt_llm::executor::DataType::kFP16
                                      : tensorrt_llm::executor::DataType::kBF16;
    lora.maxRank = config.integer("max_lora_rank", 0);
    if (build.section("plugin_config").string("lora_plugin").empty())
    {
        return lora;
    }
    auto const hidden = model.integer("hidden_size");
    auto const inner = model.integer("intermediate_size", 4 * hidden);
    auto const heads = model.integer("num_attention_heads");
    auto const all = heads * headSize(model);
    auto const kv = model.integer("num_key_value_heads", heads) * headSize(model);
    std::map<std::string, std::pair<std::int32_t, LoraSupport::Shape>> const modules{{"attn_q", {1, {hidden, all}}},
        {"attn_k", {2, {hidden, kv}}}, {"attn_v", {3, {hidden, kv}}}, {"attn_dense", {4, {all, hidden}}},
        {"mlp_h_to_4h", {5, {hidden, inner}}}, {"mlp_4h_to_h", {6, {inner, hidden}}},
        {"mlp_gate", {7, {hidden, inner}}}};
    for (auto const& name : config.strings("lora_target_modules"))
    {
        auto const module = modules.find(name);
        for (std::int32_t layer = 0; module != modules.end() && layer < model.integer("num_hidden_layers"); ++layer)
        {
            lora.targets[{layer, module->second.first}] = module->second.second;
        }
    }
    return lora;
}

std::uint64_t kvBytesPerToken(Section const& model)
{
    auto const heads = model.integer("num_attention_heads", 0);
    auto const kvHeads = model.integer("num_key_value_heads", heads);
    auto const elements = 2.0 * model.integer("num_hidden_layers", 0) * kvHeads * headSize(model);
    return static_cast<std::uint64_t>(std::ceil(elements * kvBytesPerElement(model)));
}

std::optional<std::string> lockedCapability(fs::path const& directory)
{
    auto const file = directory / "engine.lock.json";
    if (!fs::exists(file))
    {
        return std::nullopt;
    }
    auto const capability = Section(readFile(file), "target", file).string("computeCapability");
    return capability.empty() ? std::nullopt : std::optional(capability);
}

/// "1.2" of "1.2.0rc4".
std::string releaseLine(std::string const& version)
{
    auto const dot = version.find('.', version.find('.') + 1);
    return version.substr(0, dot);
}

void checkRankFiles(fs::path const& directory, EngineConfig const& engine, Surroundings const& here)
{
    std::string missing;
    for (std::int32_t rank = 0; rank < engine.worldSize(); ++rank)
    {
        if (here.severalMachines && rank != here.rank)
        {
            continue; // may lie on its own machine only
        }
        std::error_code error;
        auto const bytes = fs::file_size(rankFile(directory, rank), error);
        if (error || bytes == 0)
        {
            missing.append(missing.empty() ? "" : ", ").append(rankFile(directory, rank).filename().string());
        }
    }
    if (!missing.empty())
    {
        corrupt(directory,
            "the engine is for " + std::to_string(engine.worldSize()) + " ranks, and " + missing
                + " is missing or empty.");
    }
}

void checkWorld(EngineConfig const& engine, Surroundings const& here)
{
    auto const expected = here.orchestrated ? 1 : engine.worldSize();
    if (here.processes == expected)
    {
        return;
    }
    auto const mapping = "tensor parallel " + std::to_string(engine.tensorParallel) + " x pipeline parallel "
        + std::to_string(engine.pipelineParallel) + " x context parallel " + std::to_string(engine.contextParallel);
    incompatible("The engine needs " + std::to_string(engine.worldSize()) + " processes (" + mapping + "), and "
        + std::to_string(here.processes) + (here.processes == 1 ? " was" : " were") + " started. "
        + (here.orchestrated ? "An orchestrator is started alone."
                             : "Open it with isolation: \"process\", which starts as many through mpirun."));
}

} // namespace

EngineConfig readEngineConfig(fs::path const& directory)
{
    auto const file = directory / "config.json";
    if (!fs::is_directory(directory) || !fs::exists(file))
    {
        throw StatusError(TRTLLM_ERR_ENGINE_NOT_FOUND,
            directory.string() + " is no engine of trtllm-build: there is no config.json in it.");
    }
    auto const config = readFile(file);
    EngineConfig engine;
    engine.version = config.value("version", "");
    if (engine.version.empty())
    {
        incompatible(file.string() + " has no \"version\": it is of a TensorRT-LLM before 0.7. Build the engine again.");
    }
    Section const model(config, "pretrained_config", file);
    Section const build(config, "build_config", file);
    auto const mapping = model.section("mapping");
    engine.architecture = model.string("architecture");
    engine.tensorParallel = std::max(1, mapping.integer("tp_size", 1));
    engine.pipelineParallel = std::max(1, mapping.integer("pp_size", 1));
    engine.contextParallel = std::max(1, mapping.integer("cp_size", 1));
    engine.vocabularySize = model.integer("vocab_size");
    engine.maxBatchSize = build.integer("max_batch_size");
    engine.maxBeamWidth = std::max(1, build.integer("max_beam_width", 1));
    engine.maxSequenceTokens = build.integer("max_seq_len");
    engine.maxNumTokens = build.integer("max_num_tokens", engine.maxSequenceTokens);
    engine.tokensPerBlock = std::max(1, build.section("plugin_config").integer("tokens_per_block", 32));
    engine.kvBytesPerToken = kvBytesPerToken(model);
    engine.lora = loraSupport(model, build);
    engine.computeCapability = lockedCapability(directory);
    for (std::int32_t rank = 0; rank < engine.worldSize(); ++rank)
    {
        std::error_code error;
        auto const bytes = fs::file_size(rankFile(directory, rank), error);
        engine.weightBytes += error ? 0 : bytes;
    }
    return engine;
}

void checkEngine(fs::path const& directory, EngineConfig const& engine, Surroundings const& here)
{
    if (releaseLine(engine.version) != releaseLine(here.version))
    {
        incompatible("The engine in " + directory.string() + " was built by TensorRT-LLM " + engine.version + ", and "
            + here.version + " runs here. Build it with TensorRT-LLM " + releaseLine(here.version) + ", or install "
            + releaseLine(engine.version) + " and build the native library for it.");
    }
    checkRankFiles(directory, engine, here);
    checkWorld(engine, here);
    if (!here.computeCapability)
    {
        incompatible("There is no NVIDIA GPU that CUDA's driver (libcuda.so.1) shows, and a TensorRT engine needs one.");
    }
    if (engine.computeCapability && engine.computeCapability != here.computeCapability)
    {
        incompatible("The engine in " + directory.string() + " was built for GPUs of compute capability "
            + *engine.computeCapability + ", and this one has " + *here.computeCapability
            + ". Build it for this GPU: TensorRT engines do not move between them.");
    }
}

} // namespace trtllm_shim
