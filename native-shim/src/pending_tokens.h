// Tokens that wait to be drained, together for each sequence of each request: however long nobody drains, a token
// takes 4 bytes, 8 with its log-probability, and one record carries all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace trtllm_shim
{

/// Has no lock; RecordQueue owns it.
class PendingTokens
{
public:
    struct Sequence
    {
        std::uint32_t index;
        std::uint64_t timeNs; // of the newest token
        std::vector<std::int32_t> tokens;
        std::vector<float> logProbs; // one per token, or none
    };

    [[nodiscard]] bool empty() const noexcept
    {
        return mHead == mWaiting.size();
    }

    /// `write(requestId, sequence)` takes out what cannot be joined: tokens with log-probabilities and without.
    template <typename Write>
    void append(std::uint64_t requestId, std::uint32_t sequenceIndex, std::int32_t const* tokens, float const* logProbs,
        std::uint32_t count, std::uint64_t timeNs, Write write)
    {
        auto& request = find(requestId);
        auto& pending = sequence(request, sequenceIndex);
        if (!pending.tokens.empty() && pending.logProbs.empty() != (logProbs == nullptr))
        {
            write(requestId, pending);
            clear(pending);
        }
        pending.timeNs = timeNs;
        pending.tokens.insert(pending.tokens.end(), tokens, tokens + count);
        if (logProbs != nullptr)
        {
            pending.logProbs.insert(pending.logProbs.end(), logProbs, logProbs + count);
        }
        if (!request.waiting)
        {
            request.waiting = true;
            mWaiting.push_back(requestId);
        }
    }

    /// Hands over what waits of one sequence.
    template <typename Write>
    void flush(std::uint64_t requestId, std::uint32_t sequenceIndex, Write write)
    {
        auto const found = mRequests.find(requestId);
        if (found == mRequests.end())
        {
            return;
        }
        for (auto& pending : found->second.sequences)
        {
            if (pending.index == sequenceIndex && !pending.tokens.empty())
            {
                write(requestId, pending);
                clear(pending);
            }
        }
    }

    /// Hands over what is left of a request that ends, and forgets it.
    template <typename Write>
    void end(std::uint64_t requestId, Write write)
    {
        auto const found = mRequests.find(requestId);
        if (found == mRequests.end())
        {
            return;
        }
        for (auto& pending : found->second.sequences)
        {
            if (!pending.tokens.empty())
            {
                write(requestId, pending);
            }
        }
        recycle(mRequests.extract(found));
    }

    /// Hands over the oldest waiting sequences: `write(requestId, sequence)` returns how many of its tokens it took,
    /// and with fewer than all of them this ends.
    template <typename Write>
    void take(Write write)
    {
        for (; mHead < mWaiting.size(); ++mHead)
        {
            auto const found = mRequests.find(mWaiting[mHead]);
            if (found == mRequests.end() || !found->second.waiting)
            {
                continue; // ended meanwhile
            }
            for (auto& pending : found->second.sequences)
            {
                std::size_t const taken = pending.tokens.empty() ? 0 : write(found->first, pending);
                if (taken < pending.tokens.size())
                {
                    dropFirst(pending, taken);
                    compact();
                    return;
                }
                clear(pending);
            }
            found->second.waiting = false;
        }
        mWaiting.clear();
        mHead = 0;
    }

private:
    struct Request
    {
        std::vector<Sequence> sequences; // nearly always one
        bool waiting{false};             // its id is in mWaiting
    };

    using Requests = std::unordered_map<std::uint64_t, Request>;

    Request& find(std::uint64_t requestId);
    static Sequence& sequence(Request& request, std::uint32_t index);
    static void clear(Sequence& pending) noexcept;
    static void dropFirst(Sequence& pending, std::size_t count);
    void recycle(Requests::node_type node);
    void compact();

    Requests mRequests;
    std::vector<Requests::node_type> mSpare; // with the memory of requests that have ended
    std::vector<std::uint64_t> mWaiting;     // from mHead on, oldest first
    std::size_t mHead{0};
};

} // namespace trtllm_shim
