// Whole reads and writes on blocking descriptors.
#pragma once

#include "protocol.h"

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace trtllm_host
{

/// False where the other side is gone. Throws std::runtime_error on anything else.
bool readAll(int fd, void* target, std::size_t bytes);
bool writeAll(int fd, void const* source, std::size_t bytes);

/// Reads a fixed-size `Header` with a field `bytes`, then that many bytes.
/// Throws std::runtime_error where they are more than kMostPayloadBytes.
template <typename Header>
bool readFrame(int fd, Header& header, std::vector<std::uint8_t>& payload)
{
    if (!readAll(fd, &header, sizeof(header)))
    {
        return false;
    }
    if (header.bytes > kMostPayloadBytes)
    {
        throw std::runtime_error("A frame is too long.");
    }
    payload.resize(header.bytes);
    return readAll(fd, payload.data(), payload.size());
}

} // namespace trtllm_host
