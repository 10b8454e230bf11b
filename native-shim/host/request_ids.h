// The client counts its requests itself, so that it need not wait for an answer; the executor has ids of its own.
#pragma once

#include "trtllm_shim.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace trtllm_host
{

class RequestIds
{
public:
    /// `submit` returns the executor's id, 0 for none. No record is translated meanwhile, so that none comes too early.
    template <typename Submit>
    void add(std::uint64_t client, Submit submit)
    {
        std::lock_guard const lock(mMutex);
        if (std::uint64_t const executor = submit(); executor != 0)
        {
            mClients.emplace(executor, client);
            mExecutors.emplace(client, executor);
        }
    }

    /// 0 where the request has ended.
    std::uint64_t executorId(std::uint64_t client) const;

    /// Puts the client's ids into whole records. Of requests that end only the latest stay known, for statistics.
    void translate(std::uint8_t* records, std::size_t bytes);

    /// Puts the client's ids into the JSON of request statistics; 0 for a request that is none of the client's.
    std::vector<std::uint8_t> translateStats(std::string const& json) const;

private:
    mutable std::mutex mMutex;
    std::unordered_map<std::uint64_t, std::uint64_t> mClients;   // by the executor's id
    std::unordered_map<std::uint64_t, std::uint64_t> mExecutors; // by the client's id
    std::unordered_map<std::uint64_t, std::uint64_t> mEnded;     // as mClients
    std::deque<std::uint64_t> mEndedInOrder;                     // the executor's ids
};

} // namespace trtllm_host
