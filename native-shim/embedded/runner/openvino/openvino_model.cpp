#include "runner/openvino/openvino_engine.h"

#include "load_error.h"
#include "memory_usage.h"
#include "runner/openvino/attention_graph.h"
#include "runner/openvino/kv_blocks.h"
#include "runner/openvino/openvino_runner.h"

#include <algorithm>
#include <array>
#include <new>
#include <openvino/core/version.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/runtime/core.hpp>
#include <openvino/runtime/properties.hpp>
#include <string_view>
#include <thread>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

namespace
{

namespace fs = std::filesystem;

/// Prompts of so many tokens a step keep two cores busy; more of them only make the step longer.
constexpr SizeType32 kEfficientContextTokens = 256;

/// One for the process, never destroyed: what it loaded may not be unloaded while threads of it live.
ov::Core& core()
{
    static auto* const instance = new ov::Core();
    return *instance;
}

void report(LoadProgress const& progress, float fraction)
{
    if (!progress(fraction))
    {
        throw LoadError(LoadError::Kind::kABORTED, "the load was aborted");
    }
}

ov::AnyMap properties(OpenVinoOptions const& options)
{
    auto const cores = std::max(1u, std::thread::hardware_concurrency());
    ov::AnyMap properties{ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY), ov::num_streams(1),
        ov::inference_num_threads(options.threads.value_or(static_cast<SizeType32>(cores))),
        // The threads share the cores with Node's: the system moves them out of its way.
        ov::hint::enable_cpu_pinning(false)};
    auto const computed = core().get_property("CPU", ov::hint::inference_precision);
    properties.insert(ov::hint::kv_cache_precision(
        options.kvCachePrecision == "native" ? computed : ov::element::Type(options.kvCachePrecision.value_or("u8"))));
    return properties;
}

/// Constants that are weights, and the scales and zero points beside quantized ones.
OpenVinoFacts countWeights(ov::Model const& model)
{
    OpenVinoFacts facts;
    for (auto const& node : model.get_ops())
    {
        auto const constant = ov::as_type_ptr<ov::op::v0::Constant>(node);
        if (!constant || constant->get_element_type() == ov::element::i64 || constant->get_element_type() == ov::element::i32)
        {
            continue;
        }
        auto const& shape = constant->get_shape();
        facts.weightBytes += constant->get_byte_size();
        bool const perGroup = shape.size() > 1 && shape.back() == 1;
        facts.parameterCount += perGroup ? 0 : ov::shape_size(shape);
    }
    return facts;
}

/// Refuses models that want more than text and KV, such as images or the state of a recurrent layer.
void checkInputs(ov::CompiledModel const& model)
{
    constexpr std::array<std::string_view, 8> known{"input_ids", "position_ids", "past_lens", "subsequence_begins",
        "block_indices", "block_indices_begins", "max_context_len", kWantedRows};
    for (auto const& port : model.inputs())
    {
        auto const name = port.get_any_name();
        bool const isKv = name.rfind("key_cache.", 0) == 0 || name.rfind("value_cache.", 0) == 0;
        if (!isKv && std::find(known.begin(), known.end(), name) == known.end())
        {
            OPENVINO_THROW("it has the input ", name, ", which the OpenVINO runner does not give");
        }
    }
}

class CompiledEngine : public OpenVinoEngine
{
public:
    CompiledEngine(ov::CompiledModel model, OpenVinoFacts facts, EngineLimits limits)
        : mModel(std::move(model))
        , mFacts(std::move(facts))
        , mLimits(limits)
    {
        mLimits.tokensPerBlock = kOpenVinoTokensPerBlock;
        mLimits.freeMemory = availableBytes();
        mLimits.efficientContextTokens = kEfficientContextTokens;
        std::uint64_t bytesPerBlock = 0;
        for (auto const& input : kvInputs(mModel))
        {
            bytesPerBlock += input.bytesPerBlock;
        }
        mLimits.kvBytesPerToken = bytesPerBlock / kOpenVinoTokensPerBlock;
    }

    [[nodiscard]] EngineLimits limits() const override
    {
        return mLimits;
    }

    [[nodiscard]] OpenVinoFacts facts() const override
    {
        return mFacts;
    }

    [[nodiscard]] std::unique_ptr<ModelRunner> createRunner(Limits const& limits) override
    {
        try
        {
            return std::make_unique<OpenVinoRunner>(mModel, limits, mFacts.vocabularySize);
        }
        catch (std::bad_alloc const&)
        {
            throw LoadError(LoadError::Kind::kOUT_OF_MEMORY,
                "no memory for a KV cache of " + std::to_string(limits.kvBlocks + limits.hostKvBlocks) + " blocks of "
                    + std::to_string(mLimits.kvBytesPerToken * kOpenVinoTokensPerBlock)
                    + " bytes; lower maxBatchSize, maxSequenceTokens or the KV cache's size");
        }
    }

private:
    ov::CompiledModel mModel;
    OpenVinoFacts mFacts;
    EngineLimits mLimits;
};

std::shared_ptr<OpenVinoEngine> compile(
    fs::path const& file, OpenVinoOptions const& options, LoadProgress const& progress)
{
    report(progress, 0);
    auto const model = readLanguageModel(core(), file);
    auto facts = countWeights(*model);
    report(progress, 0.1f);
    usePagedAttention(model);
    auto compiled = core().compile_model(model, "CPU", properties(options));
    checkInputs(compiled);
    facts.device = core().get_property("CPU", ov::device::full_name);
    facts.vocabularySize = static_cast<SizeType32>(compiled.output(0).get_partial_shape().rbegin()->get_length());
    report(progress, 1);
    return std::make_shared<CompiledEngine>(std::move(compiled), std::move(facts), options.limits);
}

} // namespace

} // namespace tensorrt_llm::executor::embedded

namespace embedded = tensorrt_llm::executor::embedded;

extern "C" __attribute__((visibility("default"))) char const* trtllm_openvino_version()
{
    static std::string const version = std::to_string(OPENVINO_VERSION_MAJOR) + "." + std::to_string(OPENVINO_VERSION_MINOR)
        + "." + std::to_string(OPENVINO_VERSION_PATCH);
    return version.c_str();
}

extern "C" __attribute__((visibility("default"))) void trtllm_openvino_load(std::filesystem::path const& model,
    embedded::OpenVinoOptions const& options, embedded::LoadProgress const& progress,
    std::shared_ptr<embedded::OpenVinoEngine>& engine)
{
    try
    {
        engine = embedded::compile(model, options, progress);
    }
    catch (ov::Exception const& error)
    {
        throw embedded::LoadError(
            embedded::LoadError::Kind::kINCOMPATIBLE, model.string() + ": OpenVINO cannot load it: " + error.what());
    }
}
