#include "check.h"
#include "engine_config.h"
#include "guided_vocabulary.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <unistd.h>

namespace
{

using namespace trtllm_shim;
namespace fs = std::filesystem;
using Json = nlohmann::json;

/// A folder that is removed at the end.
class Folder
{
public:
    Folder()
    {
        std::string name = fs::temp_directory_path() / "engine-XXXXXX";
        CHECK(mkdtemp(name.data()) != nullptr);
        mPath = name;
    }

    ~Folder()
    {
        fs::remove_all(mPath);
    }

    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;

    void write(std::string const& name, std::string const& text) const
    {
        std::ofstream(mPath / name) << text;
    }

    [[nodiscard]] fs::path const& path() const
    {
        return mPath;
    }

private:
    fs::path mPath;
};

/// config.json of trtllm-build, for two ranks.
Json config()
{
    return Json::parse(R"({"version": "1.2.0", "pretrained_config": {"architecture": "LlamaForCausalLM",
        "dtype": "bfloat16", "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
        "hidden_size": 4096, "vocab_size": 128256, "mapping": {"tp_size": 2, "pp_size": 1, "cp_size": 1},
        "quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}},
        "build_config": {"max_batch_size": 64, "max_beam_width": 4, "max_seq_len": 8192, "max_num_tokens": 4096,
        "plugin_config": {"tokens_per_block": 64}}})");
}

/// Of which everything fits.
Surroundings here()
{
    return {"1.2.1", 2, false, false, 0, "9.0"};
}

struct Refusal
{
    trtllm_status status{TRTLLM_OK};
    std::string message;

    [[nodiscard]] bool says(std::string const& part) const
    {
        return message.find(part) != std::string::npos;
    }
};

template <typename Body>
Refusal refusal(Body body)
{
    try
    {
        body();
    }
    catch (StatusError const& error)
    {
        return {error.status(), error.what()};
    }
    return {};
}

Refusal refusal(Folder const& folder, Surroundings const& surroundings)
{
    return refusal([&] { checkEngine(folder.path(), readEngineConfig(folder.path()), surroundings); });
}

void writeEngine(Folder const& folder, Json const& json = config())
{
    folder.write("config.json", json.dump());
    folder.write("rank0.engine", "weights");
    folder.write("rank1.engine", "more weights");
}

} // namespace

TEST("an engine says how it was built")
{
    Folder const folder;
    writeEngine(folder);
    auto const engine = readEngineConfig(folder.path());
    CHECK_EQ(engine.version, "1.2.0");
    CHECK_EQ(engine.architecture, "LlamaForCausalLM");
    CHECK_EQ(engine.worldSize(), 2);
    CHECK_EQ(engine.vocabularySize, 128256);
    CHECK_EQ(engine.maxBatchSize, 64);
    CHECK_EQ(engine.maxBeamWidth, 4);
    CHECK_EQ(engine.maxSequenceTokens, 8192);
    CHECK_EQ(engine.maxNumTokens, 4096);
    CHECK_EQ(engine.tokensPerBlock, 64);
    CHECK_EQ(engine.kvBytesPerToken, 2u * 32 * 8 * 128); // a byte for each element of keys and values
    CHECK_EQ(engine.weightBytes, 19u);
    CHECK(!engine.computeCapability);
    CHECK_EQ(refusal(folder, here()).status, TRTLLM_OK);
}

TEST("an engine that is none, or damaged, is refused with the place")
{
    Folder const folder;
    auto const read = [&] { return refusal([&] { readEngineConfig(folder.path()); }); };
    CHECK_EQ(read().status, TRTLLM_ERR_ENGINE_NOT_FOUND);
    folder.write("config.json", "{\"version\"");
    CHECK_EQ(read().status, TRTLLM_ERR_ENGINE_CORRUPT);
    auto json = config();
    json["pretrained_config"]["mapping"]["tp_size"] = "two";
    folder.write("config.json", json.dump());
    CHECK_EQ(read().status, TRTLLM_ERR_ENGINE_CORRUPT);
    CHECK(read().says("\"mapping.tp_size\" is \"two\""));
    json = config();
    json["build_config"].erase("max_seq_len");
    folder.write("config.json", json.dump());
    CHECK(read().says("\"build_config.max_seq_len\" is missing"));
    json = config();
    json.erase("version");
    folder.write("config.json", json.dump());
    CHECK_EQ(read().status, TRTLLM_ERR_ENGINE_INCOMPATIBLE);
}

TEST("an engine of another release line is refused, one of the same line is not")
{
    Folder const folder;
    auto json = config();
    json["version"] = "1.1.0";
    writeEngine(folder, json);
    auto const refused = refusal(folder, here());
    CHECK_EQ(refused.status, TRTLLM_ERR_ENGINE_INCOMPATIBLE);
    CHECK(refused.says("was built by TensorRT-LLM 1.1.0, and 1.2.1 runs here"));
    json["version"] = "1.2.0rc4";
    writeEngine(folder, json);
    CHECK_EQ(refusal(folder, here()).status, TRTLLM_OK);
}

TEST("missing and empty ranks are named, but on several machines each has its own")
{
    Folder const folder;
    writeEngine(folder);
    folder.write("rank1.engine", "");
    auto const refused = refusal(folder, here());
    CHECK_EQ(refused.status, TRTLLM_ERR_ENGINE_CORRUPT);
    CHECK(refused.says("for 2 ranks, and rank1.engine is missing or empty"));
    auto elsewhere = here();
    elsewhere.severalMachines = true;
    CHECK_EQ(refusal(folder, elsewhere).status, TRTLLM_OK);
    elsewhere.rank = 1;
    CHECK_EQ(refusal(folder, elsewhere).status, TRTLLM_ERR_ENGINE_CORRUPT);
}

TEST("as many processes as the mapping has ranks must have been started, and one for an orchestrator")
{
    Folder const folder;
    writeEngine(folder);
    auto alone = here();
    alone.processes = 1;
    auto const refused = refusal(folder, alone);
    CHECK_EQ(refused.status, TRTLLM_ERR_ENGINE_INCOMPATIBLE);
    CHECK(refused.says("needs 2 processes (tensor parallel 2 x pipeline parallel 1 x context parallel 1), and 1 was"));
    alone.orchestrated = true;
    CHECK_EQ(refusal(folder, alone).status, TRTLLM_OK);
    auto together = here();
    together.orchestrated = true;
    CHECK(refusal(folder, together).says("An orchestrator is started alone"));
}

TEST("an engine for another GPU, and a machine without one, are refused")
{
    Folder const folder;
    writeEngine(folder);
    auto without = here();
    without.computeCapability.reset();
    CHECK_EQ(refusal(folder, without).status, TRTLLM_ERR_ENGINE_INCOMPATIBLE);
    CHECK(refusal(folder, without).says("There is no NVIDIA GPU"));
    folder.write("engine.lock.json", R"({"target": {"computeCapability": "8.0"}})");
    auto const refused = refusal(folder, here());
    CHECK_EQ(refused.status, TRTLLM_ERR_ENGINE_INCOMPATIBLE);
    CHECK(refused.says("compute capability 8.0, and this one has 9.0"));
    folder.write("engine.lock.json", R"({"target": {"computeCapability": "9.0"}})");
    CHECK_EQ(refusal(folder, here()).status, TRTLLM_OK);
}

TEST("guided decoding gets each token's text by its id, and the ids that end an answer")
{
    using Backend = tensorrt_llm::executor::GuidedDecodingConfig::GuidedDecodingBackend;
    Folder const folder;
    auto const guided = [&] { return guidedDecodingConfig(folder.path(), 5, Backend::kXGRAMMAR); };
    CHECK(!guided());
    folder.write("tokenizer.json", R"({"model": {"type": "BPE", "vocab": {"a": 1, "b": 0, "far": 9}},
        "added_tokens": [{"id": 3, "content": "</s>"}]})");
    CHECK(*guided()->getEncodedVocab() == (std::vector<std::string>{"b", "a", "", "</s>", ""}));
    CHECK(!guided()->getStopTokenIds());
    folder.write("generation_config.json", R"({"eos_token_id": [3, 4]})");
    CHECK(*guided()->getStopTokenIds() == (std::vector<std::int32_t>{3, 4}));
    CHECK(guided()->getTokenizerStr()->find("\"BPE\"") != std::string::npos);
    folder.write("generation_config.json", R"({"eos_token_id": 3})");
    CHECK(*guided()->getStopTokenIds() == (std::vector<std::int32_t>{3}));

    folder.write("tokenizer.json", R"({"model": {"type": "Unigram", "vocab": [["<unk>", 0], ["x", -1.5]]}})");
    CHECK_EQ(guided()->getEncodedVocab()->at(1), "x");
    for (std::string const text : {"", "[]", R"({"model": {}})", R"({"model": {"vocab": {"a": "b"}}})"})
    {
        folder.write("tokenizer.json", text);
        CHECK_EQ(refusal([&] { static_cast<void>(guided()); }).status, TRTLLM_ERR_ENGINE_CORRUPT);
    }
}

TEST("an engine that was built for LoRA adapters tells which matrices they may change")
{
    Folder const folder;
    auto built = config();
    built["pretrained_config"]["intermediate_size"] = 14336;
    built["build_config"]["lora_config"] = Json::parse(R"({"lora_dir": [], "max_lora_rank": 16,
        "lora_target_modules": ["attn_q", "attn_v", "mlp_4h_to_h", "cross_attn_q"]})");
    built["build_config"]["plugin_config"]["lora_plugin"] = "bfloat16";
    folder.write("config.json", built.dump());
    auto const lora = readEngineConfig(folder.path()).lora;
    CHECK(lora.dataType == tensorrt_llm::executor::DataType::kBF16);
    CHECK_EQ(lora.maxRank, 16);
    CHECK_EQ(lora.targets.size(), 3 * 32);
    CHECK_EQ(lora.targets.at({31, 1}).out, 4096);
    CHECK_EQ(lora.targets.at({0, 3}).out, 1024);
    CHECK_EQ(lora.targets.at({5, 6}).in, 14336);

    built["build_config"]["plugin_config"]["lora_plugin"] = nullptr;
    folder.write("config.json", built.dump());
    CHECK(readEngineConfig(folder.path()).lora.targets.empty());
}
