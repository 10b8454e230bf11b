#include "runner/openvino/attention_graph.h"

#include <openvino/frontend/extension/decoder_transformation.hpp>
#include <openvino/frontend/gguf/adapt_to_genai.hpp>
#include <openvino/frontend/gguf/frontend.hpp>
#include <openvino/frontend/gguf/make_stateful.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/gather.hpp>
#include <openvino/op/matmul.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/pass/sdpa_to_paged_attention.hpp>

namespace tensorrt_llm::executor::embedded
{

namespace
{

/// Between the last matrix and the logits there may be a few elementwise operations: a bias, a soft cap.
constexpr int kMostOperationsAfterLastMatrix = 8;

std::shared_ptr<ov::Model> readGguf(std::filesystem::path const& file)
{
    namespace gguf = ov::frontend::gguf;

    gguf::FrontEnd reader;
    reader.add_extension(std::make_shared<ov::frontend::DecoderTransformationExtension>(gguf::pass::GGUFMakeStateful()));
    auto const model = reader.convert(reader.load(file.string()));
    gguf::pass::AdaptToGenAI().run_on_model(model);
    return model;
}

std::shared_ptr<ov::op::v0::MatMul> lastMatrix(ov::Model const& model)
{
    auto node = model.get_results().front()->get_input_node_shared_ptr(0);
    for (int i = 0; i < kMostOperationsAfterLastMatrix && node->get_input_size() > 0; ++i)
    {
        if (auto const matrix = ov::as_type_ptr<ov::op::v0::MatMul>(node))
        {
            return matrix;
        }
        node = node->get_input_node_shared_ptr(0);
    }
    OPENVINO_THROW("its logits do not come from a matrix product");
}

/// The dimension that grows with the tokens of a step: with paged attention the only one.
std::int64_t tokenAxis(ov::PartialShape const& shape)
{
    std::int64_t axis = -1;
    for (std::size_t i = 0; i < shape.size(); ++i)
    {
        if (shape[i].is_dynamic())
        {
            OPENVINO_ASSERT(axis < 0, "its hidden states have several dynamic dimensions: ", shape);
            axis = static_cast<std::int64_t>(i);
        }
    }
    OPENVINO_ASSERT(axis >= 0, "its hidden states have no dynamic dimension: ", shape);
    return axis;
}

} // namespace

std::shared_ptr<ov::Model> readLanguageModel(ov::Core& core, std::filesystem::path const& file)
{
    return file.extension() == ".gguf" ? readGguf(file) : core.read_model(file);
}

void usePagedAttention(std::shared_ptr<ov::Model> const& model)
{
    ov::pass::SDPAToPagedAttention().run_on_model(model);

    auto const matrix = lastMatrix(*model);
    auto const hidden = matrix->input_value(0);
    auto const rows = std::make_shared<ov::op::v0::Parameter>(ov::element::i64, ov::PartialShape{-1});
    rows->get_output_tensor(0).set_names({kWantedRows});
    auto const axis = ov::op::v0::Constant::create(ov::element::i64, {}, {tokenAxis(hidden.get_partial_shape())});
    matrix->input(0).replace_source_output(std::make_shared<ov::op::v8::Gather>(hidden, rows, axis));
    model->add_parameters({rows});
    model->validate_nodes_and_infer_types();
}

} // namespace tensorrt_llm::executor::embedded
