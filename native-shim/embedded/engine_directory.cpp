#include "engine_directory.h"

#include "load_error.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

namespace
{

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::optional<SizeType32> positive(Json const& object, char const* key, fs::path const& file)
{
    auto const found = object.find(key);
    if (found == object.end() || found->is_null() || *found == 0)
    {
        return std::nullopt; // TensorRT-LLM writes 0 where nothing was set
    }
    if (!found->is_number_integer() || found->get<std::int64_t>() < 1 || found->get<std::int64_t>() > INT32_MAX)
    {
        throw LoadError(LoadError::Kind::kCORRUPT,
            file.string() + ": " + key + " is " + found->dump() + "; it must be a whole number above 0");
    }
    return found->get<SizeType32>();
}

std::string architectureOf(Json const& model)
{
    for (auto const* const key : {"model_type", "architecture"})
    {
        auto const found = model.find(key);
        if (found != model.end() && found->is_string())
        {
            return *found;
        }
    }
    return "";
}

void readConfig(fs::path const& file, EngineFiles& files)
{
    std::ifstream stream(file);
    Json const config = Json::parse(stream, nullptr, false);
    if (!config.is_object())
    {
        throw LoadError(LoadError::Kind::kCORRUPT, file.string() + " is not a JSON object; an engine's config.json is");
    }
    auto const build = config.value("build_config", Json::object());
    if (!build.is_object())
    {
        throw LoadError(LoadError::Kind::kCORRUPT, file.string() + ": build_config must be an object");
    }
    auto const plugins = build.value("plugin_config", Json::object());
    auto& limits = files.limits;
    limits.maxBatchSize = positive(build, "max_batch_size", file);
    limits.maxNumTokens = positive(build, "max_num_tokens", file);
    limits.maxSequenceTokens = positive(build, "max_seq_len", file);
    limits.tokensPerBlock = plugins.is_object() ? positive(plugins, "tokens_per_block", file) : std::nullopt;

    auto const model = config.value("pretrained_config", config);
    if (model.is_object())
    {
        files.architecture = architectureOf(model);
        files.trainedTokens = positive(model, "max_position_embeddings", file);
    }
}

} // namespace

EngineFiles findEngineFiles(fs::path const& path)
{
    std::error_code error;
    auto const status = fs::status(path, error);
    if (!fs::exists(status))
    {
        throw LoadError(LoadError::Kind::kNOT_FOUND, path.string() + " does not exist");
    }
    if (!fs::is_directory(status))
    {
        return path.extension() == ".xml" ? EngineFiles{{}, path, {}, "", {}} : EngineFiles{path, {}, {}, "", {}};
    }

    std::vector<fs::path> ggufs;
    bool tensorrt = false;
    for (auto const& entry : fs::directory_iterator(path))
    {
        if (entry.path().extension() == ".gguf")
        {
            ggufs.push_back(entry.path());
        }
        tensorrt = tensorrt || entry.path().extension() == ".engine";
    }
    EngineFiles files;
    if (auto const model = path / "openvino_model.xml"; fs::exists(model))
    {
        files.openvinoModel = model;
    }
    if (ggufs.empty() && files.openvinoModel.empty())
    {
        throw tensorrt ? LoadError(LoadError::Kind::kINCOMPATIBLE,
            path.string() + " holds a TensorRT engine; the embedded executor runs GGUF models and OpenVINO IR")
                       : LoadError(LoadError::Kind::kNOT_FOUND,
                           path.string() + " holds no engine: neither *.gguf nor openvino_model.xml is in it");
    }
    if (ggufs.size() > 1)
    {
        throw LoadError(LoadError::Kind::kINCOMPATIBLE,
            path.string() + " holds " + std::to_string(ggufs.size()) + " GGUF files; name the one to load");
    }
    if (!ggufs.empty())
    {
        files.gguf = ggufs.front();
    }
    if (auto const config = path / "config.json"; fs::exists(config))
    {
        readConfig(config, files);
    }
    return files;
}

} // namespace tensorrt_llm::executor::embedded
