#include "peft_checkpoint.h"

#include "float_bits.h"
#include "safetensors.h"
#include "status.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace trtllm_shim
{

namespace
{

namespace fs = std::filesystem;
namespace tle = tensorrt_llm::executor;
using Json = nlohmann::json;

/// Hugging Face's names of TensorRT-LLM's modules.
constexpr std::array<std::pair<std::string_view, std::int32_t>, 7> kModules{{{"self_attn.q_proj", 1},
    {"self_attn.k_proj", 2}, {"self_attn.v_proj", 3}, {"self_attn.o_proj", 4}, {"mlp.gate_proj", 5},
    {"mlp.down_proj", 6}, {"mlp.up_proj", 7}}};

[[noreturn]] void incompatible(fs::path const& file, std::string const& what)
{
    throw StatusError(TRTLLM_ERR_ENGINE_INCOMPATIBLE, file.string() + ": " + what);
}

/// What is added to one matrix: B * A.
struct Pair
{
    std::string a; // names of the tensors; empty where there is none
    std::string b;
    std::int32_t rank{0};
};

using Pairs = std::map<LoraSupport::Target, Pair>;

struct Scale
{
    double alpha;
    bool byRoot; // of the rank

    [[nodiscard]] float of(std::int32_t rank) const
    {
        return static_cast<float>(alpha / (byRoot ? std::sqrt(static_cast<double>(rank)) : rank));
    }
};

bool asksForNothing(Json const& value)
{
    return value.is_null() || value == false || value == "none" || (value.is_structured() && value.empty());
}

Scale readScale(fs::path const& file)
{
    std::ifstream stream(file);
    if (!stream)
    {
        throw StatusError(TRTLLM_ERR_ENGINE_NOT_FOUND,
            file.string()
                + " cannot be opened. Expected a PEFT checkpoint: a folder with adapter_config.json and "
                  "adapter_model.safetensors.");
    }
    auto const config = Json::parse(stream, nullptr, false);
    if (!config.is_object())
    {
        throw StatusError(TRTLLM_ERR_ENGINE_CORRUPT, file.string() + " is no JSON object.");
    }
    auto const find = [&](char const* key) { return config.contains(key) ? config[key] : Json(); };
    if (find("peft_type") != "LORA")
    {
        incompatible(file, "peft_type is " + find("peft_type").dump() + "; \"LORA\" adapters are run.");
    }
    for (auto const* key : {"use_dora", "bias", "modules_to_save", "fan_in_fan_out", "alpha_pattern", "lora_bias"})
    {
        if (auto const value = find(key); !asksForNothing(value))
        {
            incompatible(file, std::string(key) + " is " + value.dump() + ", which is not supported.");
        }
    }
    auto const alpha = find("lora_alpha");
    auto const byRoot = find("use_rslora");
    if (!alpha.is_number() || !(byRoot.is_null() || byRoot.is_boolean()))
    {
        throw StatusError(TRTLLM_ERR_ENGINE_CORRUPT,
            file.string() + ": lora_alpha is " + alpha.dump() + " and use_rslora " + byRoot.dump()
                + "; expected a number and a boolean.");
    }
    return {alpha.get<double>(), byRoot == true};
}

/// Takes the end off where the text has it.
bool removeEnd(std::string_view& text, std::string_view end)
{
    bool const has = text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
    text.remove_suffix(has ? end.size() : 0);
    return has;
}

struct TensorName
{
    std::int32_t layer;
    std::string_view module;
    bool isA;
};

/// Such as "base_model.model.model.layers.3.self_attn.q_proj.lora_A.weight", with ".default" before ".weight" or
/// not. By hand, since std::regex recurses once for each character of a name that a stranger made.
std::optional<TensorName> parseName(std::string_view name)
{
    constexpr std::string_view layers = "layers.";
    constexpr std::size_t mostDigits = 6;
    if (!removeEnd(name, ".weight"))
    {
        return std::nullopt;
    }
    removeEnd(name, ".default");
    bool const isA = removeEnd(name, ".lora_A");
    auto const begin = name.rfind(layers);
    if ((!isA && !removeEnd(name, ".lora_B")) || begin == std::string_view::npos
        || (begin > 0 && name[begin - 1] != '.'))
    {
        return std::nullopt;
    }
    name.remove_prefix(begin + layers.size());
    auto const digits = name.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos || digits > mostDigits || name[digits] != '.')
    {
        return std::nullopt;
    }
    return TensorName{std::stoi(std::string(name.substr(0, digits))), name.substr(digits + 1), isA};
}

Pairs findPairs(fs::path const& file, Safetensors const& tensors)
{
    Pairs pairs;
    for (auto const& [name, entry] : tensors.entries())
    {
        auto const parts = parseName(name);
        auto const module = std::find_if(
            kModules.begin(), kModules.end(), [&](auto const& each) { return parts && each.first == parts->module; });
        if (module == kModules.end())
        {
            incompatible(file,
                "it changes " + name
                    + "; adapters may change the q, k, v and o projections of attention, and the gate, up and down "
                      "projections of the MLP.");
        }
        auto& pair = pairs[{parts->layer, module->second}];
        (parts->isA ? pair.a : pair.b) = name;
    }
    if (pairs.empty())
    {
        incompatible(file, "it holds no tensors.");
    }
    return pairs;
}

std::string shapeText(std::vector<std::int64_t> const& shape)
{
    return Json(shape).dump();
}

/// Compares with the engine's matrix, and notes the rank.
void check(
    fs::path const& file, Safetensors const& tensors, LoraSupport const& engine, LoraSupport::Target target, Pair& pair)
{
    if (pair.a.empty() || pair.b.empty())
    {
        throw StatusError(TRTLLM_ERR_ENGINE_CORRUPT,
            file.string() + ": " + pair.a + pair.b + " has no counterpart; lora_A and lora_B belong together.");
    }
    auto const matrix = engine.targets.find(target);
    if (matrix == engine.targets.end())
    {
        incompatible(file, "it changes " + pair.a + ", and the engine has no such matrix that adapters may change.");
    }
    auto const& a = tensors.entries().at(pair.a).shape;
    auto const& b = tensors.entries().at(pair.b).shape;
    auto const [in, out] = matrix->second;
    if (a.size() != 2 || b.size() != 2 || a[0] != b[1] || a[1] != in || b[0] != out)
    {
        incompatible(file,
            pair.a + " is " + shapeText(a) + " and lora_B is " + shapeText(b) + "; of this engine they must be [r, "
                + std::to_string(in) + "] and [" + std::to_string(out) + ", r]. Is it for another base model?");
    }
    if (a[0] < 1 || a[0] > engine.maxRank)
    {
        incompatible(file,
            pair.a + " has rank " + std::to_string(a[0]) + "; the engine takes up to " + std::to_string(engine.maxRank)
                + " (peftCache.maxAdapterSize, and what a TensorRT engine was built for).");
    }
    pair.rank = static_cast<std::int32_t>(a[0]);
}

void store(std::vector<float> const& values, float scale, tle::DataType type, void* target)
{
    auto* const floats = static_cast<float*>(target);
    auto* const halves = static_cast<std::uint16_t*>(target);
    for (std::size_t i = 0; i < values.size(); ++i)
    {
        auto const value = values[i] * scale;
        switch (type)
        {
        case tle::DataType::kFP32: floats[i] = value; break;
        case tle::DataType::kFP16: halves[i] = toHalf(value); break;
        case tle::DataType::kBF16: halves[i] = toBfloat(value); break;
        default: throw StatusError(TRTLLM_ERR_UNSUPPORTED, "The engine has LoRA weights of an unknown type.");
        }
    }
}

} // namespace

tle::LoraConfig readPeftCheckpoint(fs::path const& folder, std::uint64_t taskId, LoraSupport const& engine)
{
    if (engine.targets.empty())
    {
        throw StatusError(TRTLLM_ERR_UNSUPPORTED,
            "The engine takes no LoRA adapters: it was built without them, or adapters of its architecture cannot be "
            "carried over.");
    }
    auto const scale = readScale(folder / "adapter_config.json");
    auto const file = folder / "adapter_model.safetensors";
    Safetensors tensors(file);
    auto pairs = findPairs(file, tensors);
    std::int64_t width = 0;
    for (auto& [target, pair] : pairs)
    {
        check(file, tensors, engine, target, pair);
        auto const [in, out] = engine.targets.at(target);
        width = std::max(width, static_cast<std::int64_t>(pair.rank) * (in + out));
    }

    constexpr std::size_t kColumns = 3;
    auto const rows = static_cast<std::int64_t>(pairs.size());
    auto weights = tle::Tensor::cpu(engine.dataType, {rows, width});
    auto config = tle::Tensor::cpu(tle::DataType::kINT32, {rows, static_cast<std::int64_t>(kColumns)});
    auto* description = static_cast<std::int32_t*>(config.getData());
    auto const elementBytes = engine.dataType == tle::DataType::kFP32 ? sizeof(float) : sizeof(std::uint16_t);
    auto* row = static_cast<std::uint8_t*>(weights.getData());
    std::memset(row, 0, static_cast<std::size_t>(rows * width) * elementBytes);
    for (auto const& [target, pair] : pairs)
    {
        auto const a = tensors.read(pair.a);
        store(a, 1.f, engine.dataType, row);
        store(tensors.read(pair.b), scale.of(pair.rank), engine.dataType, row + a.size() * elementBytes);
        row += static_cast<std::size_t>(width) * elementBytes;
        for (auto const number : {target.module, target.layer, pair.rank})
        {
            *description++ = number;
        }
    }
    return tle::LoraConfig(taskId, weights, config);
}

} // namespace trtllm_shim
