#include "runner/llama_lora.h"

#include "runner/llama_library.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ggml.h>
#include <gguf.h>
#include <stdexcept>
#include <string>

namespace tensorrt_llm::executor::embedded
{

namespace
{

std::string architectureOf(llama_model const* model)
{
    std::string name(64, '\0');
    auto const length = llama_model_meta_val_str(model, "general.architecture", name.data(), name.size());
    name.resize(static_cast<std::size_t>(std::clamp<int>(length, 0, static_cast<int>(name.size()) - 1)));
    return name;
}

/// GGUF has the rows of a head of "llama" in pairs, as its rotary embedding takes them; Hugging Face has the first
/// halves of all pairs before the second halves.
bool pairsRows(llama_model const* model)
{
    return architectureOf(model) == "llama";
}

std::vector<float> pairRows(LoraWeights const& weights, SizeType32 heads)
{
    auto const half = weights.shape.out / heads / 2;
    std::vector<float> rows(static_cast<std::size_t>(weights.shape.out) * weights.rank);
    auto target = rows.begin();
    for (SizeType32 head = 0; head < heads; ++head)
    {
        for (SizeType32 pair = 0; pair < half; ++pair)
        {
            for (SizeType32 part = 0; part < 2; ++part)
            {
                auto const row = (head * 2 + part) * half + pair;
                target = std::copy_n(
                    weights.out + static_cast<std::ptrdiff_t>(row) * weights.rank, weights.rank, target);
            }
        }
    }
    return rows;
}

/// GCC 13 warns of the attributes that the type of fclose has.
struct CloseFile
{
    void operator()(FILE* file) const
    {
        std::fclose(file);
    }
};

using File = std::unique_ptr<FILE, CloseFile>;

/// A GGUF file in memory, as llama.cpp reads adapters from files only.
class AdapterFile
{
public:
    AdapterFile(std::string const& architecture, std::size_t matrices)
        : mGguf(gguf_init_empty(), gguf_free)
        , mTensors(ggml_init({2 * matrices * ggml_tensor_overhead(), nullptr, /*no_alloc=*/true}), ggml_free)
    {
        gguf_set_val_str(mGguf.get(), "general.type", "adapter");
        gguf_set_val_str(mGguf.get(), "general.architecture", architecture.c_str());
        gguf_set_val_str(mGguf.get(), "adapter.type", "lora");
        gguf_set_val_f32(mGguf.get(), "adapter.lora.alpha", 0.f); // the scale is a part of the weights
    }

    ~AdapterFile()
    {
        std::free(mBytes);
    }

    AdapterFile(AdapterFile const&) = delete;
    AdapterFile& operator=(AdapterFile const&) = delete;

    /// `values`, [rows, columns], must live until `open`.
    void add(std::string const& name, SizeType32 rows, SizeType32 columns, float const* values)
    {
        auto* const tensor = ggml_new_tensor_2d(mTensors.get(), GGML_TYPE_F32, columns, rows);
        ggml_set_name(tensor, name.c_str());
        tensor->data = const_cast<float*>(values);
        gguf_add_tensor(mGguf.get(), tensor);
    }

    /// Once.
    File open()
    {
        std::size_t size = 0;
        File writer(open_memstream(&mBytes, &size));
        if (!writer || !gguf_write_to_file_ptr(mGguf.get(), writer.get(), false) || std::fflush(writer.get()) != 0)
        {
            throw std::bad_alloc();
        }
        writer.reset();
        File reader(fmemopen(mBytes, size, "rb"));
        if (!reader)
        {
            throw std::bad_alloc();
        }
        return reader;
    }

private:
    std::unique_ptr<gguf_context, decltype(&gguf_free)> mGguf;
    std::unique_ptr<ggml_context, decltype(&ggml_free)> mTensors;
    char* mBytes{nullptr};
};

} // namespace

std::string ggufName(LoraTarget const& target)
{
    auto const module = [&]
    {
        switch (target.module)
        {
        case LoraModule::kATTN_Q: return "attn_q";
        case LoraModule::kATTN_K: return "attn_k";
        case LoraModule::kATTN_V: return "attn_v";
        case LoraModule::kATTN_DENSE: return "attn_output";
        case LoraModule::kMLP_H_TO_4H: return "ffn_gate";
        case LoraModule::kMLP_4H_TO_H: return "ffn_down";
        case LoraModule::kMLP_GATE: return "ffn_up";
        }
        throw std::invalid_argument("an unknown LoRA module");
    }();
    return "blk." + std::to_string(target.layer) + "." + module + ".weight";
}

bool takesLora(llama_model const* model)
{
    return pairsRows(model) || llama_model_rope_type(model) == LLAMA_ROPE_TYPE_NEOX;
}

LlamaAdapterPtr createLlamaAdapter(llama_model* model, std::vector<LoraWeights> const& weights)
{
    AdapterFile file(architectureOf(model), weights.size());
    std::vector<std::vector<float>> paired;
    for (auto const& each : weights)
    {
        auto const name = ggufName(each.target);
        auto const* out = each.out;
        auto const module = each.target.module;
        if (pairsRows(model) && (module == LoraModule::kATTN_Q || module == LoraModule::kATTN_K))
        {
            auto const heads
                = module == LoraModule::kATTN_Q ? llama_model_n_head(model) : llama_model_n_head_kv(model);
            out = paired.emplace_back(pairRows(each, heads)).data();
        }
        file.add(name + ".lora_a", each.rank, each.shape.in, each.in);
        file.add(name + ".lora_b", each.shape.out, each.rank, out);
    }
    auto const stream = file.open();
    LlamaErrors const errors;
    LlamaAdapterPtr adapter(llama_adapter_lora_init_from_file_ptr(model, stream.get()), llama_adapter_lora_free);
    if (!adapter)
    {
        throw std::runtime_error("llama.cpp does not take it: " + errors.text());
    }
    return adapter;
}

} // namespace tensorrt_llm::executor::embedded
