// A language model as OpenVINO reads it, rewritten to what the runner computes.
#pragma once

#include <filesystem>
#include <memory>
#include <openvino/core/model.hpp>
#include <openvino/runtime/core.hpp>

namespace tensorrt_llm::executor::embedded
{

/// Input of the rewritten model: the tokens of a step that logits are computed of, i64 [rows].
constexpr auto kWantedRows = "wanted_rows";

/// From IR or a GGUF: token ids in, logits out, keys and values as its state. Throws ov::Exception.
std::shared_ptr<ov::Model> readLanguageModel(ov::Core& core, std::filesystem::path const& file);

/// Lets its attention read and write blocks of KV that are given to it, and its last layer compute the logits of
/// kWantedRows only. Throws ov::Exception where the model is built otherwise than language models are.
void usePagedAttention(std::shared_ptr<ov::Model> const& model);

} // namespace tensorrt_llm::executor::embedded
