// A LoRA adapter for the synthetic engine, as Hugging Face PEFT writes it.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

struct AdapterTensor
{
    std::vector<std::int64_t> shape;
    std::vector<float> values;
};

using AdapterTensors = std::map<std::string, AdapterTensor>;

/// A folder that is gone with the test.
class AdapterFolder
{
public:
    nlohmann::json config{{"peft_type", "LORA"}, {"r", 2}, {"lora_alpha", 4}, {"bias", "none"}, {"use_dora", false}};
    /// q of layer 0, from 2 to 3; o of layer 1, from 3 to 2, of rank 1.
    AdapterTensors tensors{
        {"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", {{2, 2}, {1, 2, 3, 4}}},
        {"base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight", {{3, 2}, {5, 6, 7, 8, 9, 10}}},
        {"base_model.model.model.layers.1.self_attn.o_proj.lora_A.weight", {{1, 3}, {-1, -2, -3}}},
        {"base_model.model.model.layers.1.self_attn.o_proj.lora_B.weight", {{2, 1}, {0.5, 0.25}}},
    };
    std::filesystem::path const path;

    AdapterFolder()
        : path(std::filesystem::temp_directory_path() / ("adapter-test-" + std::to_string(getpid())))
    {
        std::filesystem::create_directories(path);
    }

    ~AdapterFolder()
    {
        std::filesystem::remove_all(path);
    }

    AdapterFolder(AdapterFolder const&) = delete;
    AdapterFolder& operator=(AdapterFolder const&) = delete;

    AdapterFolder const& write() const
    {
        std::ofstream(path / "adapter_config.json") << config;
        auto header = nlohmann::json::object();
        std::string values;
        for (auto const& [name, tensor] : tensors)
        {
            auto const begin = values.size();
            values.append(
                reinterpret_cast<char const*>(tensor.values.data()), tensor.values.size() * sizeof(float));
            header[name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {begin, values.size()}}};
        }
        header["__metadata__"] = {{"format", "pt"}};
        writeTensors(header.dump(), values);
        return *this;
    }

    void writeTensors(std::string const& header, std::string const& values) const
    {
        std::uint64_t const length = header.size();
        std::string head(sizeof(length), '\0');
        std::memcpy(head.data(), &length, sizeof(length));
        std::ofstream(path / "adapter_model.safetensors", std::ios::binary) << head << header << values;
    }
};
