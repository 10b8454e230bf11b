#include "tensorrt_llm/executor/tensor.h"

#include <stdexcept>

namespace tensorrt_llm::executor
{

Shape::Shape(DimType64 const* data, std::size_t size)
    : mData(data)
    , mSize(size)
{
}

Shape::Shape(std::initializer_list<DimType64> dims)
    : Shape(dims.begin(), dims.size())
{
}

std::size_t Shape::size() const
{
    return mSize;
}

Shape::DimType64 Shape::operator[](std::size_t index) const
{
    return mData[index];
}

Shape::DimType64 const* Shape::begin() const
{
    return mData;
}

Shape::DimType64 const* Shape::end() const
{
    return mData + mSize;
}

namespace
{

std::size_t bytesOf(DataType type)
{
    switch (type)
    {
    case DataType::kFP32:
    case DataType::kINT32: return 4;
    case DataType::kFP16:
    case DataType::kBF16: return 2;
    default:
        throw std::invalid_argument("the embedded executor has tensors of kFP32, kINT32, kFP16 and kBF16 only");
    }
}

} // namespace

Tensor Tensor::cpu(DataType dataType, Shape shape)
{
    constexpr auto kWordBytes = sizeof(std::uint32_t);
    auto const elementBytes = bytesOf(dataType);
    std::size_t size = 1;
    for (auto const dimension : shape)
    {
        if (dimension < 0)
        {
            throw std::invalid_argument("a tensor cannot have a negative dimension");
        }
        size *= static_cast<std::size_t>(dimension);
    }
    Tensor tensor;
    tensor.mStorage = std::make_shared<Storage>(
        Storage{dataType, {shape.begin(), shape.end()}, size,
            std::vector<std::uint32_t>((size * elementBytes + kWordBytes - 1) / kWordBytes), nullptr});
    tensor.mStorage->data = tensor.mStorage->words.data();
    return tensor;
}

Tensor Tensor::of(DataType dataType, void* data, Shape shape)
{
    std::size_t size = 1;
    for (auto const dimension : shape)
    {
        size *= static_cast<std::size_t>(dimension);
    }
    Tensor tensor;
    tensor.mStorage = std::make_shared<Storage>(Storage{dataType, {shape.begin(), shape.end()}, size, {}, data});
    return tensor;
}

void* Tensor::getData()
{
    return mStorage->data;
}

void const* Tensor::getData() const
{
    return mStorage->data;
}

DataType Tensor::getDataType() const
{
    return mStorage->type;
}

MemoryType Tensor::getMemoryType() const
{
    return MemoryType::kCPU;
}

Shape Tensor::getShape() const
{
    return {mStorage->shape.data(), mStorage->shape.size()};
}

std::size_t Tensor::getSize() const
{
    return mStorage->size;
}

std::size_t Tensor::getSizeInBytes() const
{
    return mStorage->size * bytesOf(mStorage->type);
}

} // namespace tensorrt_llm::executor
