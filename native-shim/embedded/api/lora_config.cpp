#include "tensorrt_llm/executor/executor.h"

#include <stdexcept>
#include <tuple>

namespace tensorrt_llm::executor
{

LoraConfig::LoraConfig(
    runtime::LoraTaskIdType taskId, std::optional<Tensor> weights, std::optional<Tensor> config)
    : mTaskId(taskId)
    , mWeights(std::move(weights))
    , mConfig(std::move(config))
{
    if (mConfig && !mWeights)
    {
        throw std::invalid_argument("a LoRA config needs the weights that it describes");
    }
    if (mWeights && mWeights->getShape().size() != 2)
    {
        throw std::invalid_argument("LoRA weights must have two dimensions");
    }
    if (mConfig && (mConfig->getShape().size() != 2 || mConfig->getDataType() != DataType::kINT32))
    {
        throw std::invalid_argument("a LoRA config must have two dimensions and hold int32");
    }
}

runtime::LoraTaskIdType LoraConfig::getTaskId() const
{
    return mTaskId;
}

std::optional<Tensor> LoraConfig::getWeights() const
{
    return mWeights;
}

std::optional<Tensor> LoraConfig::getConfig() const
{
    return mConfig;
}

PeftCacheConfig::PeftCacheConfig(SizeType32 numHostModuleLayer, SizeType32 numDeviceModuleLayer,
    SizeType32 optimalAdapterSize, SizeType32 maxAdapterSize, SizeType32 numPutWorkers, SizeType32 numEnsureWorkers,
    SizeType32 numCopyStreams, SizeType32 maxPagesPerBlockHost, SizeType32 maxPagesPerBlockDevice,
    std::optional<float> const& deviceCachePercent, std::optional<std::size_t> const& hostCacheSize)
    : mNumHostModuleLayer(numHostModuleLayer)
    , mNumDeviceModuleLayer(numDeviceModuleLayer)
    , mOptimalAdapterSize(optimalAdapterSize)
    , mMaxAdapterSize(maxAdapterSize)
    , mNumPutWorkers(numPutWorkers)
    , mNumEnsureWorkers(numEnsureWorkers)
    , mNumCopyStreams(numCopyStreams)
    , mMaxPagesPerBlockHost(maxPagesPerBlockHost)
    , mMaxPagesPerBlockDevice(maxPagesPerBlockDevice)
    , mDeviceCachePercent(deviceCachePercent)
    , mHostCacheSize(hostCacheSize)
{
}

bool PeftCacheConfig::operator==(PeftCacheConfig const& other) const
{
    auto const fields = [](PeftCacheConfig const& config)
    {
        return std::tie(config.mNumHostModuleLayer, config.mNumDeviceModuleLayer, config.mOptimalAdapterSize,
            config.mMaxAdapterSize, config.mNumPutWorkers, config.mNumEnsureWorkers, config.mNumCopyStreams,
            config.mMaxPagesPerBlockHost, config.mMaxPagesPerBlockDevice, config.mDeviceCachePercent,
            config.mHostCacheSize);
    };
    return fields(*this) == fields(other);
}

SizeType32 PeftCacheConfig::getMaxAdapterSize() const
{
    return mMaxAdapterSize;
}

std::optional<std::size_t> PeftCacheConfig::getHostCacheSize() const
{
    return mHostCacheSize;
}

} // namespace tensorrt_llm::executor
