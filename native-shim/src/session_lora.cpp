// The LoRA adapters of a session.
#include "failure.h"
#include "peft_checkpoint.h"
#include "session.h"

#include <algorithm>
#include <utility>

namespace trtllm_shim
{

void Session::loadLora(std::uint64_t taskId, std::filesystem::path const& folder)
{
    std::lock_guard const lock(mMutex);
    requireRunning();
    auto const isOver
        = [](std::future<void> const& read) { return read.wait_for(std::chrono::seconds(0)) == std::future_status::ready; };
    mLoraReads.erase(std::remove_if(mLoraReads.begin(), mLoraReads.end(), isOver), mLoraReads.end());
    mLoraReads.push_back(std::async(std::launch::async, [this, taskId, folder] { readLora(taskId, folder); }));
}

void Session::readLora(std::uint64_t taskId, std::filesystem::path const& folder) noexcept
{
    try
    {
        auto lora = readPeftCheckpoint(folder, taskId, mEngine.lora); // constant from READY on
        std::lock_guard const lock(mMutex);
        mLoras.insert_or_assign(taskId, std::move(lora));
        RecordQueue::Batch(mQueue).lora(taskId, TRTLLM_OK, "");
    }
    catch (...)
    {
        auto const error = currentFailure();
        RecordQueue::Batch(mQueue).lora(taskId, error.code, error.message);
    }
}

void Session::unloadLora(std::uint64_t taskId)
{
    std::lock_guard const lock(mMutex);
    mLoras.erase(taskId);
}

/// Nothing is read any more afterwards: a stop has been asked for.
void Session::awaitLoras()
{
    std::vector<std::future<void>> reads;
    {
        std::lock_guard const lock(mMutex);
        reads = std::move(mLoraReads);
    }
    for (auto const& read : reads)
    {
        read.wait();
    }
}

} // namespace trtllm_shim
