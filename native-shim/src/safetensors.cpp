#include "safetensors.h"

#include "float_bits.h"
#include "status.h"

#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

namespace trtllm_shim
{

namespace
{

using Json = nlohmann::json;

constexpr std::uint64_t kMostHeaderBytes = 100'000'000; // the format's own limit

[[noreturn]] void corrupt(std::filesystem::path const& file, std::string const& what)
{
    throw StatusError(TRTLLM_ERR_ENGINE_CORRUPT,
        file.string() + " is no whole safetensors file: " + what + ". Fetch it again.");
}

/// Bytes of an element; 0 for a type that is not read here.
std::uint64_t elementBytes(std::string const& type)
{
    return type == "F32" ? 4 : type == "F16" || type == "BF16" ? 2 : 0;
}

Safetensors::Entry entryOf(Json const& json, std::uint64_t valuesBegin)
{
    auto const& offsets = json.at("data_offsets");
    return {json.at("dtype").get<std::string>(), json.at("shape").get<std::vector<std::int64_t>>(),
        valuesBegin + offsets.at(0).get<std::uint64_t>(), valuesBegin + offsets.at(1).get<std::uint64_t>()};
}

/// Whether the offsets lie in the file and are as far apart as type and shape say.
bool fits(Safetensors::Entry const& entry, std::uint64_t fileBytes)
{
    if (entry.begin > entry.end || entry.end > fileBytes)
    {
        return false;
    }
    auto const each = elementBytes(entry.type);
    auto const bytes = entry.end - entry.begin;
    std::uint64_t elements = 1;
    for (auto const size : entry.shape)
    {
        if (size < 0 || (size > 0 && elements > fileBytes / static_cast<std::uint64_t>(size)))
        {
            return false;
        }
        elements *= static_cast<std::uint64_t>(size);
    }
    return each == 0 || elements * each == bytes;
}

} // namespace

Safetensors::Safetensors(std::filesystem::path file)
    : mFile(std::move(file))
    , mStream(mFile, std::ios::binary)
{
    if (!mStream)
    {
        throw StatusError(TRTLLM_ERR_ENGINE_NOT_FOUND, mFile.string() + " cannot be opened.");
    }
    auto const fileBytes = std::filesystem::file_size(mFile);
    std::uint64_t headerBytes = 0; // little-endian, as are the machines that this runs on
    mStream.read(reinterpret_cast<char*>(&headerBytes), sizeof(headerBytes));
    if (!mStream || headerBytes > kMostHeaderBytes || headerBytes > fileBytes - sizeof(headerBytes))
    {
        corrupt(mFile, "its header is cut off");
    }
    std::string text(static_cast<std::size_t>(headerBytes), '\0');
    mStream.read(text.data(), static_cast<std::streamsize>(text.size()));
    auto const header = Json::parse(text, nullptr, false);
    if (!mStream || !header.is_object())
    {
        corrupt(mFile, "its header is no JSON object");
    }
    for (auto const& [name, json] : header.items())
    {
        if (name == "__metadata__")
        {
            continue;
        }
        try
        {
            auto const& entry = mEntries[name] = entryOf(json, sizeof(headerBytes) + headerBytes);
            if (!fits(entry, fileBytes))
            {
                corrupt(mFile, "the values of " + name + " are not where its header says, or are cut off");
            }
        }
        catch (Json::exception const&)
        {
            corrupt(mFile, "what its header says of " + name + " is incomplete");
        }
    }
}

std::map<std::string, Safetensors::Entry> const& Safetensors::entries() const
{
    return mEntries;
}

std::vector<float> Safetensors::read(std::string const& name)
{
    auto const& entry = mEntries.at(name);
    auto const each = elementBytes(entry.type);
    if (each == 0)
    {
        throw StatusError(TRTLLM_ERR_ENGINE_INCOMPATIBLE,
            mFile.string() + ": " + name + " is of type " + entry.type + "; F32, F16 and BF16 are read.");
    }
    std::vector<char> bytes(static_cast<std::size_t>(entry.end - entry.begin));
    mStream.seekg(static_cast<std::streamoff>(entry.begin));
    mStream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!mStream)
    {
        corrupt(mFile, "the values of " + name + " cannot be read");
    }
    std::vector<float> values(bytes.size() / static_cast<std::size_t>(each));
    if (entry.type == "F32")
    {
        std::memcpy(values.data(), bytes.data(), bytes.size());
        return values;
    }
    auto const widen = entry.type == "F16" ? fromHalf : fromBfloat;
    for (std::size_t i = 0; i < values.size(); ++i)
    {
        std::uint16_t bits = 0;
        std::memcpy(&bits, bytes.data() + i * sizeof(bits), sizeof(bits));
        values[i] = widen(bits);
    }
    return values;
}

} // namespace trtllm_shim
