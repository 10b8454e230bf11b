// Text that crosses the C ABI is UTF-8, also where it is cut.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace trtllm_shim
{

/// The longest start of `text` of at most `bytes` bytes that ends with a whole character.
inline std::string_view cutUtf8(std::string_view text, std::size_t bytes) noexcept
{
    if (text.size() <= bytes)
    {
        return text;
    }
    auto end = bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u)
    {
        --end;
    }
    return text.substr(0, end);
}

} // namespace trtllm_shim
