#include "tensorrt_llm/executor/executor.h"

#include "executor_loop.h"
#include "load_model.h"
#include "model.h"

#include <stdexcept>

namespace tensorrt_llm::executor
{

char const* version() noexcept
{
    return "1.2.0";
}

class Executor::Impl : public embedded::ExecutorLoop
{
public:
    using ExecutorLoop::ExecutorLoop;
};

namespace
{

std::shared_ptr<Model> loadModel(std::filesystem::path const& path, ModelType type)
{
    if (type != ModelType::kDECODER_ONLY)
    {
        throw std::invalid_argument("the embedded executor runs decoder-only models; ModelType must be kDECODER_ONLY");
    }
    return embedded::loadModel(path, {}, [](float) { return true; }).model;
}

} // namespace

Executor::Executor(std::filesystem::path const& modelPath, ModelType modelType, ExecutorConfig const& executorConfig)
    : Executor(loadModel(modelPath, modelType), executorConfig)
{
}

Executor::Executor(std::shared_ptr<Model> model, ExecutorConfig const& executorConfig)
    : mImpl(std::make_unique<Impl>(std::move(model), executorConfig))
{
}

Executor::~Executor() = default;

IdType Executor::enqueueRequest(Request const& request)
{
    return mImpl->enqueue(request);
}

std::vector<Response> Executor::awaitResponses(std::optional<std::chrono::milliseconds> const& timeout)
{
    return mImpl->awaitResponses(timeout);
}

void Executor::cancelRequest(IdType requestId)
{
    mImpl->cancel(requestId);
}

void Executor::shutdown()
{
    mImpl->shutdown();
}

std::deque<IterationStats> Executor::getLatestIterationStats()
{
    return mImpl->takeIterationStats();
}

std::deque<RequestStatsPerIteration> Executor::getLatestRequestStats()
{
    return mImpl->takeRequestStats();
}

std::optional<std::shared_ptr<KVCacheEventManager>> Executor::getKVCacheEventManager() const
{
    return std::make_shared<KVCacheEventManager>(mImpl->kvCacheEvents());
}

KVCacheEventManager::KVCacheEventManager(std::shared_ptr<embedded::KvCacheEvents> events)
    : mEvents(std::move(events))
{
}

std::deque<KVCacheEvent> KVCacheEventManager::getLatestEvents(std::optional<std::chrono::milliseconds> timeout)
{
    return mEvents->latest(timeout);
}

} // namespace tensorrt_llm::executor
