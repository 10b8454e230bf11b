// What trtllm-host and packages/core/src/isolated say to each other. Integers are in the machine's byte order.
//
// Descriptor 3, towards the host: a Command each, then `bytes` of payload.
// Descriptor 3, from the host: the records of trtllm_shim.h, one after the other, with the client's request ids.
// Descriptor 4: one Query with payload, then one Reply with payload, and so on.
#pragma once

#include <cstdint>

namespace trtllm_host
{

constexpr int kCommandFd = 3;
constexpr int kQueryFd = 4;

/// No payload is longer; who sends a longer one is not our client.
constexpr std::uint32_t kMostPayloadBytes = 64u << 20;

/// Of a LOAD_FAILED record: the library itself could not be loaded.
constexpr std::int32_t kLibraryFailed = -1;

enum class CommandKind : std::uint32_t
{
    kCREATE = 1,  // configuration, JSON
    kSUBMIT = 2,  // uint32 length of the JSON, its text, then int32 tokens
    kCANCEL = 3,
    kSHUTDOWN = 4,
    kLOAD_LORA = 5,  // path; its task id stands for the request's, as in the next one
    kUNLOAD_LORA = 6
};

struct Command
{
    std::uint32_t bytes;
    CommandKind kind;
    std::uint64_t requestId; // the client's
};

enum class QueryKind : std::uint32_t
{
    kITERATION_STATS = 1,
    kTOKENIZE = 2, // text; answered with int32 tokens
    kTOKEN_PIECES = 3,
    kREQUEST_STATS = 4,
    kKV_EVENTS = 5,
};

struct Query
{
    std::uint32_t bytes;
    QueryKind kind;
    std::uint32_t flags;    // TRTLLM_TOKENIZE_*
    std::uint32_t reserved; // 0
};

struct Reply
{
    std::uint32_t bytes;
    std::int32_t status; // trtllm_status; other than TRTLLM_OK, the payload is a message
};

} // namespace trtllm_host
