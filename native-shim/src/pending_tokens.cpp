#include "pending_tokens.h"

#include <utility>

namespace trtllm_shim
{

namespace
{

constexpr std::size_t kMostSpare = 1024;
constexpr std::size_t kMostSpareTokens = 4096;

} // namespace

PendingTokens::Request& PendingTokens::find(std::uint64_t requestId)
{
    auto const found = mRequests.find(requestId);
    if (found != mRequests.end())
    {
        return found->second;
    }
    if (mSpare.empty())
    {
        return mRequests[requestId];
    }
    auto node = std::move(mSpare.back());
    mSpare.pop_back();
    node.key() = requestId;
    return mRequests.insert(std::move(node)).position->second;
}

PendingTokens::Sequence& PendingTokens::sequence(Request& request, std::uint32_t index)
{
    for (auto& pending : request.sequences)
    {
        if (pending.index == index)
        {
            return pending;
        }
    }
    return request.sequences.emplace_back(Sequence{index, 0, {}, {}});
}

void PendingTokens::clear(Sequence& pending) noexcept
{
    pending.tokens.clear();
    pending.logProbs.clear();
}

void PendingTokens::dropFirst(Sequence& pending, std::size_t count)
{
    auto const offset = static_cast<std::ptrdiff_t>(count);
    pending.tokens.erase(pending.tokens.begin(), pending.tokens.begin() + offset);
    if (!pending.logProbs.empty())
    {
        pending.logProbs.erase(pending.logProbs.begin(), pending.logProbs.begin() + offset);
    }
}

void PendingTokens::recycle(Requests::node_type node)
{
    auto& [sequences, waiting] = node.mapped();
    if (mSpare.size() == kMostSpare || sequences.size() != 1
        || sequences.front().tokens.capacity() > kMostSpareTokens)
    {
        return;
    }
    clear(sequences.front());
    sequences.front().index = 0;
    waiting = false;
    mSpare.push_back(std::move(node));
}

/// Ids that have been taken make room where they are the larger part: each moves once on average.
void PendingTokens::compact()
{
    if (mHead * 2 >= mWaiting.size())
    {
        mWaiting.erase(mWaiting.begin(), mWaiting.begin() + static_cast<std::ptrdiff_t>(mHead));
        mHead = 0;
    }
}

} // namespace trtllm_shim
