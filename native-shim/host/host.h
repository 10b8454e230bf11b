// One executor, served over inherited sockets. Three threads: commands, records, queries.
#pragma once

#include "library.h"
#include "protocol.h"
#include "request_ids.h"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

namespace trtllm_host
{

class Host
{
public:
    explicit Host(Library const& library);

    /// Serves until the client is gone. Frees the executor where its last record has been sent; a client that is gone
    /// earlier has died, and so does this process then.
    void run();
    /// The same with a configuration that is not read from the client.
    void run(std::string_view config);

private:
    void handle(Command const& command, std::vector<std::uint8_t> const& payload);
    void create(std::string const& config);
    void submit(std::uint64_t client, std::vector<std::uint8_t> const& payload);
    void loadLora(std::uint64_t taskId, std::vector<std::uint8_t> const& path);
    void pumpRecords();
    void answerQueries();
    trtllm_status answer(
        Query const& query, std::vector<std::uint8_t> const& payload, std::vector<std::uint8_t>& out, trtllm_error& error);
    void sendFailure(std::uint16_t kind, std::uint64_t client, trtllm_status status, std::string_view message);
    void sendRecords(std::uint8_t const* records, std::size_t bytes);

    Library const& mLibrary;
    std::uint64_t mExecutor{0};
    int mWakeFd{-1};
    RequestIds mIds;
    std::mutex mSendMutex;
    std::thread mRecords;
    std::atomic<bool> mStopped{false};
};

/// Tells the client that there is no library to serve.
void reportLibraryFailure(std::string_view message);

} // namespace trtllm_host
