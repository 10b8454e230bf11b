#include "handle_table.h"

#include "status.h"

#include <string>
#include <utility>

namespace trtllm_shim
{

namespace
{

StatusError invalid(std::uint64_t handle)
{
    return StatusError(TRTLLM_ERR_INVALID_HANDLE,
        "There is no executor " + std::to_string(handle) + ": it was destroyed, or never created.");
}

} // namespace

std::uint64_t HandleTable::insert(std::shared_ptr<Session> session)
{
    std::lock_guard const lock(mMutex);
    mSessions.emplace(++mLast, std::move(session));
    return mLast;
}

std::shared_ptr<Session> HandleTable::find(std::uint64_t handle) const
{
    std::lock_guard const lock(mMutex);
    auto const found = mSessions.find(handle);
    if (found == mSessions.end())
    {
        throw invalid(handle);
    }
    return found->second;
}

std::shared_ptr<Session> HandleTable::take(std::uint64_t handle)
{
    std::lock_guard const lock(mMutex);
    auto node = mSessions.extract(handle);
    if (node.empty())
    {
        throw invalid(handle);
    }
    return std::move(node.mapped());
}

} // namespace trtllm_shim
