#include "kv/block.h"

namespace tensorrt_llm::executor::embedded
{

namespace
{

// No token and no length of a block, so that a salt is never taken for them.
constexpr std::uint64_t kSaltTag = 1ull << 40;
constexpr std::uint64_t kLoraTag = 1ull << 41;

/// The finalizer of splitmix64 over a running sum: every bit of the input changes half of the output's.
std::uint64_t mix(std::uint64_t hash, std::uint64_t value)
{
    auto z = hash + 0x9e3779b97f4a7c15ull + value * 0xd1342543de82ef95ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

} // namespace

std::uint64_t blockHash(VecTokens const& tokens, std::uint64_t parentHash, ReuseDomain const& domain)
{
    auto hash = mix(parentHash, tokens.size());
    if (parentHash == 0)
    {
        hash = domain.cacheSaltID ? mix(mix(hash, kSaltTag), *domain.cacheSaltID) : hash;
        hash = domain.loraTaskId ? mix(mix(hash, kLoraTag), *domain.loraTaskId) : hash;
    }
    for (auto const token : tokens)
    {
        hash = mix(hash, static_cast<std::uint32_t>(token));
    }
    return hash;
}

} // namespace tensorrt_llm::executor::embedded
