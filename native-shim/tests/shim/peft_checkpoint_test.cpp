#include "adapter_files.h"
#include "check.h"
#include "float_bits.h"
#include "peft_checkpoint.h"

#include <cmath>

namespace
{

using namespace trtllm_shim;
namespace tle = tensorrt_llm::executor;

LoraSupport support(tle::DataType type = tle::DataType::kFP32)
{
    return {type, 4, {{{0, 1}, {2, 3}}, {{1, 4}, {3, 2}}}};
}

std::vector<float> floats(tle::Tensor const& tensor)
{
    auto const* const values = static_cast<float const*>(tensor.getData());
    return {values, values + tensor.getSize()};
}

std::string refusal(AdapterFolder const& folder, trtllm_status status, LoraSupport const& engine = support())
{
    try
    {
        static_cast<void>(readPeftCheckpoint(folder.path, 1, engine));
    }
    catch (StatusError const& error)
    {
        CHECK_EQ(error.status(), status);
        return error.what();
    }
    CHECK(!"refused");
    return {};
}

bool has(std::string const& text, char const* part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST("a checkpoint becomes TensorRT-LLM's rows: A, then B with the scale, then zeros")
{
    AdapterFolder folder;
    auto const lora = readPeftCheckpoint(folder.write().path, 7, support());
    CHECK_EQ(lora.getTaskId(), 7u);
    auto const weights = *lora.getWeights();
    CHECK_EQ(weights.getShape()[0], 2);
    CHECK_EQ(weights.getShape()[1], 10);
    // lora_alpha / r is 2 for the first, and 4 for the second, whose rank is 1.
    CHECK(floats(weights)
        == (std::vector<float>{1, 2, 3, 4, 10, 12, 14, 16, 18, 20, -1, -2, -3, 2, 1, 0, 0, 0, 0, 0}));
    auto const config = *lora.getConfig();
    auto const* const rows = static_cast<std::int32_t const*>(config.getData());
    CHECK_EQ(config.getShape()[1], 3);
    CHECK(std::vector<std::int32_t>(rows, rows + 6) == (std::vector<std::int32_t>{1, 0, 2, 4, 1, 1}));
}

TEST("rank-stabilized adapters are scaled by the root of the rank")
{
    AdapterFolder folder;
    folder.config["use_rslora"] = true;
    auto const values = floats(*readPeftCheckpoint(folder.write().path, 1, support()).getWeights());
    CHECK_EQ(values[4], 5 * static_cast<float>(4 / std::sqrt(2.0)));
    CHECK_EQ(values[13], 2.f);
}

TEST("weights are of the engine's type")
{
    AdapterFolder folder;
    folder.write();
    for (auto const type : {tle::DataType::kFP16, tle::DataType::kBF16})
    {
        auto const weights = *readPeftCheckpoint(folder.path, 1, support(type)).getWeights();
        CHECK(weights.getDataType() == type);
        auto const* const bits = static_cast<std::uint16_t const*>(weights.getData());
        auto const widen = type == tle::DataType::kFP16 ? fromHalf : fromBfloat;
        CHECK_EQ(widen(bits[0]), 1.f);
        CHECK_EQ(widen(bits[9]), 20.f);
        CHECK_EQ(widen(bits[10]), -1.f);
        CHECK_EQ(bits[19], 0);
    }
}

TEST("what is missing is told by its file")
{
    AdapterFolder folder;
    CHECK(has(refusal(folder, TRTLLM_ERR_ENGINE_NOT_FOUND), "adapter_config.json cannot be opened"));
    folder.write();
    std::filesystem::remove(folder.path / "adapter_model.safetensors");
    CHECK(has(refusal(folder, TRTLLM_ERR_ENGINE_NOT_FOUND), "adapter_model.safetensors cannot be opened"));
}

TEST("damaged files are told from whole ones, wherever they are cut off")
{
    AdapterFolder folder;
    folder.write();
    auto const file = folder.path / "adapter_model.safetensors";
    for (auto size = std::filesystem::file_size(file); size-- > 0;)
    {
        std::filesystem::resize_file(file, size);
        refusal(folder, TRTLLM_ERR_ENGINE_CORRUPT);
    }
    folder.writeTensors("[]", "");
    CHECK(has(refusal(folder, TRTLLM_ERR_ENGINE_CORRUPT), "no JSON object"));
    folder.writeTensors(R"({"x": {"dtype": "F32", "shape": [2]}})", "12345678");
    CHECK(has(refusal(folder, TRTLLM_ERR_ENGINE_CORRUPT), "incomplete"));
    folder.writeTensors(R"({"x": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}})", "12345678");
    CHECK(has(refusal(folder, TRTLLM_ERR_ENGINE_CORRUPT), "not where its header says"));
    folder.writeTensors(
        R"({"x": {"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 0]}})", "");
    refusal(folder, TRTLLM_ERR_ENGINE_CORRUPT);
    folder.write();
    folder.tensors.erase(folder.tensors.begin());
    folder.write();
    CHECK(has(refusal(folder, TRTLLM_ERR_ENGINE_CORRUPT), "no counterpart"));
}

TEST("what an engine cannot run is refused by name")
{
    auto const refused = [](char const* key, nlohmann::json const& value)
    {
        AdapterFolder folder;
        folder.config[key] = value;
        return refusal(folder.write(), TRTLLM_ERR_ENGINE_INCOMPATIBLE);
    };
    CHECK(has(refused("peft_type", "IA3"), "peft_type is \"IA3\""));
    CHECK(has(refused("use_dora", true), "use_dora"));
    CHECK(has(refused("bias", "all"), "bias"));
    CHECK(has(refused("modules_to_save", {"lm_head"}), "modules_to_save"));
    CHECK(has(refused("alpha_pattern", {{"q_proj", 3}}), "alpha_pattern"));

    AdapterFolder folder;
    folder.tensors["base_model.model.lm_head.lora_A.weight"] = {{1, 2}, {0, 0}};
    CHECK(has(refusal(folder.write(), TRTLLM_ERR_ENGINE_INCOMPATIBLE), "lm_head.lora_A"));
    auto const end = std::string(".self_attn.q_proj.lora_A.weight");
    for (auto const& name : {"model.layers.1234567" + end, "model.layers." + end, "model.sublayers.1" + end,
             std::string("layers.1.lora_A.weight"), "layers.1.x" + end, std::string(100'000, '.') + end})
    {
        AdapterFolder strange;
        strange.tensors[name] = {{1, 2}, {0, 0}};
        CHECK(has(refusal(strange.write(), TRTLLM_ERR_ENGINE_INCOMPATIBLE), "adapters may change the q, k, v"));
    }

    CHECK(has(refusal(folder, TRTLLM_ERR_UNSUPPORTED, {tle::DataType::kFP32, 4, {}}), "takes no LoRA adapters"));
}

TEST("an adapter of another base model is told by the shapes that were expected")
{
    AdapterFolder folder;
    folder.write();
    auto engine = support();
    engine.targets[{0, 1}] = {4, 3};
    auto const message = refusal(folder, TRTLLM_ERR_ENGINE_INCOMPATIBLE, engine);
    CHECK(has(message, "is [2,2] and lora_B is [3,2]") && has(message, "must be [r, 4] and [3, r]"));
    engine = support();
    engine.targets.erase({1, 4});
    CHECK(has(refusal(folder, TRTLLM_ERR_ENGINE_INCOMPATIBLE, engine), "no such matrix"));
    engine = support();
    engine.maxRank = 1;
    CHECK(has(refusal(folder, TRTLLM_ERR_ENGINE_INCOMPATIBLE, engine), "has rank 2; the engine takes up to 1"));
}
