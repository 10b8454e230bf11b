// The part of TensorRT-LLM's executor::Tensor (release lines 1.0 to 1.2) that the embedded executor implements:
// tensors in CPU memory.
#pragma once

#include "tensorrt_llm/executor/types.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <vector>

namespace tensorrt_llm::executor
{

/// Refers to the dimensions; a braced list lives until the end of the full expression.
class Shape
{
public:
    using DimType64 = std::int64_t;

    Shape() = default;
    Shape(DimType64 const* data, std::size_t size);
    Shape(std::initializer_list<DimType64> dims);

    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] DimType64 operator[](std::size_t index) const;
    [[nodiscard]] DimType64 const* begin() const;
    [[nodiscard]] DimType64 const* end() const;

private:
    DimType64 const* mData{nullptr};
    std::size_t mSize{0};
};

/// Copies share the memory.
class Tensor
{
public:
    Tensor() noexcept = default;

    /// Zeroed. Throws for a negative dimension and for a data type other than kFP32, kINT32, kFP16 and kBF16.
    static Tensor cpu(DataType dataType, Shape shape = {});

    template <typename T>
    static Tensor cpu(Shape shape = {})
    {
        return cpu(TypeTraits<T>::value, shape);
    }

    /// Refers to `data`, which must outlive it. The shape is taken as it is.
    static Tensor of(DataType dataType, void* data, Shape shape);

    [[nodiscard]] void* getData();
    [[nodiscard]] void const* getData() const;
    [[nodiscard]] DataType getDataType() const;
    [[nodiscard]] MemoryType getMemoryType() const;
    [[nodiscard]] Shape getShape() const;
    /// Elements.
    [[nodiscard]] std::size_t getSize() const;
    [[nodiscard]] std::size_t getSizeInBytes() const;

    explicit operator bool() const
    {
        return static_cast<bool>(mStorage);
    }

private:
    struct Storage
    {
        DataType type;
        std::vector<Shape::DimType64> shape;
        std::size_t size;
        std::vector<std::uint32_t> words;
        void* data; // of words, or of somebody else
    };

    std::shared_ptr<Storage> mStorage;
};

} // namespace tensorrt_llm::executor
