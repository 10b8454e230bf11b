#include "request_ids.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace trtllm_host
{

namespace
{

constexpr std::size_t kEndedKept = 65'536;

} // namespace

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
                mEnded.emplace(record.request_id, client);
                mEndedInOrder.push_back(record.request_id);
                mClients.erase(found);
                mExecutors.erase(client);
            }
        }
        offset += record.size;
    }
    while (mEndedInOrder.size() > kEndedKept)
    {
        mEnded.erase(mEndedInOrder.front());
        mEndedInOrder.pop_front();
    }
}

std::vector<std::uint8_t> RequestIds::translateStats(std::string const& json) const
{
    // TensorRT-LLM's RequestStats has one field of this name, and no texts.
    constexpr std::string_view key = "\"id\":";
    std::lock_guard const lock(mMutex);
    std::string translated;
    std::size_t done = 0;
    for (auto at = json.find(key); at != std::string::npos; at = json.find(key, done))
    {
        auto const begin = at + key.size();
        auto const end = json.find_first_not_of("0123456789", begin);
        auto const executor = std::strtoull(json.c_str() + begin, nullptr, 10);
        auto found = mClients.find(executor);
        auto known = found != mClients.end();
        if (!known)
        {
            found = mEnded.find(executor);
            known = found != mEnded.end();
        }
        translated.append(json, done, begin - done).append(std::to_string(known ? found->second : 0));
        done = end;
    }
    translated.append(json, std::min(done, json.size()), std::string::npos);
    return {translated.begin(), translated.end()};
}

} // namespace trtllm_host
