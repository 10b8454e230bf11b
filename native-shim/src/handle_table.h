// The numbers that stand for sessions across the C ABI.
#pragma once

#include "session.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace trtllm_shim
{

/// Whoever has found a session keeps it alive, also while another thread destroys its handle.
class HandleTable
{
public:
    std::uint64_t insert(std::shared_ptr<Session> session);

    /// Throws StatusError with TRTLLM_ERR_INVALID_HANDLE, as does `take`.
    [[nodiscard]] std::shared_ptr<Session> find(std::uint64_t handle) const;

    /// Of several threads that destroy one handle, only one gets its session.
    std::shared_ptr<Session> take(std::uint64_t handle);

private:
    mutable std::mutex mMutex;
    std::uint64_t mLast{0};
    std::unordered_map<std::uint64_t, std::shared_ptr<Session>> mSessions;
};

} // namespace trtllm_shim
