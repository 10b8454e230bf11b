// A file of tensors in Hugging Face's safetensors format: the length of a JSON header, the header, the values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace trtllm_shim
{

class Safetensors
{
public:
    struct Entry
    {
        std::string type;
        std::vector<std::int64_t> shape;
        std::uint64_t begin; // in the file
        std::uint64_t end;
    };

    /// Reads the header. Throws StatusError with TRTLLM_ERR_ENGINE_NOT_FOUND or _CORRUPT.
    explicit Safetensors(std::filesystem::path file);

    [[nodiscard]] std::map<std::string, Entry> const& entries() const;

    /// The values of a tensor of F32, F16 or BF16; throws StatusError with TRTLLM_ERR_ENGINE_INCOMPATIBLE for another.
    [[nodiscard]] std::vector<float> read(std::string const& name);

private:
    std::filesystem::path mFile;
    std::ifstream mStream;
    std::map<std::string, Entry> mEntries;
};

} // namespace trtllm_shim
