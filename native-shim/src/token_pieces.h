// The layout of trtllm_executor_token_pieces.
#pragma once

#include "backend.h"

#include <cstdint>
#include <vector>

namespace trtllm_shim
{

/// Throws StatusError where a piece is longer than its length field can say.
std::vector<std::uint8_t> encodePieces(std::vector<TokenPiece> const& pieces);

} // namespace trtllm_shim
