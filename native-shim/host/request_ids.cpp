#include "request_ids.h"

#include <cstring>

namespace trtllm_host
{

std::uint64_t RequestIds::executorId(std::uint64_t client) const
{
    std::lock_guard const lock(mMutex);
    auto const found = mExecutors.find(client);
    return found == mExecutors.end() ? 0 : found->second;
}

void RequestIds::translate(std::uint8_t* records, std::size_t bytes)
{
    std::lock_guard const lock(mMutex);
    for (std::size_t offset = 0; offset < bytes;)
    {
        trtllm_record record;
        std::memcpy(&record, records + offset, sizeof(record));
        auto const ofRequest = record.kind != TRTLLM_RECORD_LORA;
        if (auto const found = mClients.find(record.request_id); ofRequest && found != mClients.end())
        {
            auto const client = found->second;
            std::memcpy(records + offset + offsetof(trtllm_record, request_id), &client, sizeof(client));
            if (record.kind == TRTLLM_RECORD_FINAL || record.kind == TRTLLM_RECORD_ERROR)
            {
                mClients.erase(found);
                mExecutors.erase(client);
            }
        }
        offset += record.size;
    }
}

} // namespace trtllm_host
