#include "token_pieces.h"

#include <cstring>
#include <limits>

namespace trtllm_shim
{

std::vector<std::uint8_t> encodePieces(std::vector<TokenPiece> const& pieces)
{
    constexpr auto most = std::numeric_limits<std::uint16_t>::max();
    constexpr std::size_t headerBytes = sizeof(most) + 1;
    std::size_t size = 0;
    for (auto const& piece : pieces)
    {
        if (piece.bytes.size() > most)
        {
            throw StatusError(TRTLLM_ERR_UNSUPPORTED,
                "A token of the vocabulary has " + std::to_string(piece.bytes.size()) + " bytes; at most "
                    + std::to_string(most) + " are possible. Use the tokenizer files beside the engine.");
        }
        size += headerBytes + piece.bytes.size();
    }
    std::vector<std::uint8_t> encoded(size);
    auto* next = encoded.data();
    for (auto const& piece : pieces)
    {
        auto const length = static_cast<std::uint16_t>(piece.bytes.size());
        std::memcpy(next, &length, sizeof(length));
        next[sizeof(length)] = piece.control ? TRTLLM_TOKEN_CONTROL : TRTLLM_TOKEN_NORMAL;
        next += headerBytes;
        std::memcpy(next, piece.bytes.data(), piece.bytes.size());
        next += piece.bytes.size();
    }
    return encoded;
}

} // namespace trtllm_shim
