// What a tensorrt_llm package has and the synthetic executor lacks: an executor made of an engine directory. rank0.engine
// holds its script.
#include "model.h"
#include "script_json.h"

#include "tensorrt_llm/executor/executor.h"

#include <fstream>
#include <nlohmann/json.hpp>

namespace tensorrt_llm::executor
{

namespace
{

std::shared_ptr<Model> readModel(std::filesystem::path const& directory)
{
    std::ifstream file(directory / "rank0.engine");
    return std::make_shared<Model>(synthetic::parseScript(nlohmann::json::parse(file)));
}

} // namespace

char const* version() noexcept
{
    return "1.2.1";
}

Executor::Executor(std::filesystem::path const& modelPath, ModelType, ExecutorConfig const& executorConfig)
    : Executor(readModel(modelPath), executorConfig)
{
}

} // namespace tensorrt_llm::executor
