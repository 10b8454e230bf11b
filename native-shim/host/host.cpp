#include "host.h"

#include "pipes.h"

#include <cstring>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace trtllm_host
{

namespace
{

constexpr std::size_t kDrainBytes = 64 * 1024;

/// A record of a status and a message.
std::vector<std::uint8_t> failureRecord(
    std::uint16_t kind, std::uint64_t client, trtllm_status status, std::string_view message)
{
    trtllm_record record{};
    record.size = static_cast<std::uint32_t>((sizeof(record) + sizeof(status) + message.size() + 7) / 8 * 8);
    record.kind = kind;
    record.request_id = client;
    record.count = static_cast<std::uint32_t>(message.size());
    std::vector<std::uint8_t> bytes(record.size);
    std::memcpy(bytes.data(), &record, sizeof(record));
    std::memcpy(bytes.data() + sizeof(record), &status, sizeof(status));
    std::memcpy(bytes.data() + sizeof(record) + sizeof(status), message.data(), message.size());
    return bytes;
}

/// The last record of an executor, where there is none to write it.
trtllm_record stoppedRecord()
{
    trtllm_record record{};
    record.size = sizeof(record);
    record.kind = TRTLLM_RECORD_STOPPED;
    return record;
}

/// What waits in the socket waits for a slow reader; in the shim it would be joined.
void keepSendBufferSmall()
{
    int const bytes = 64 * 1024;
    setsockopt(kCommandFd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

/// No destructor: an engine may take its time, and nobody waits for it. No success either: mpirun ends the other ranks.
[[noreturn]] void clientIsGone()
{
    _exit(1);
}

/// Calls `fill(buffer, capacity, &needed)` with a buffer that is large enough.
template <typename T, typename Fill>
trtllm_status fillGrowing(std::vector<std::uint8_t>& out, std::size_t capacity, Fill fill)
{
    for (;;)
    {
        out.resize(capacity * sizeof(T));
        std::size_t count = 0;
        auto const status = fill(reinterpret_cast<T*>(out.data()), capacity, &count);
        if (status != TRTLLM_ERR_BUFFER_TOO_SMALL)
        {
            out.resize(count * sizeof(T));
            return status;
        }
        capacity = count;
    }
}

} // namespace

Host::Host(Library const& library)
    : mLibrary(library)
{
}

void Host::run(std::string_view config)
{
    create(std::string(config));
    run();
}

void Host::run()
{
    keepSendBufferSmall();
    std::thread([this] { answerQueries(); }).detach();
    Command command;
    std::vector<std::uint8_t> payload;
    while (readFrame(kCommandFd, command, payload))
    {
        handle(command, payload);
    }
    if (!mStopped)
    {
        clientIsGone();
    }
    mRecords.join();
    mLibrary.destroy(mExecutor, nullptr);
}

void Host::handle(Command const& command, std::vector<std::uint8_t> const& payload)
{
    switch (command.kind)
    {
    case CommandKind::kCREATE: create({payload.begin(), payload.end()}); return;
    case CommandKind::kSUBMIT: submit(command.requestId, payload); return;
    case CommandKind::kCANCEL:
        if (auto const id = mIds.executorId(command.requestId); id != 0)
        {
            mLibrary.cancel(mExecutor, id, nullptr);
        }
        return;
    case CommandKind::kSHUTDOWN: mLibrary.shutdown(mExecutor, nullptr); return;
    case CommandKind::kLOAD_LORA: loadLora(command.requestId, payload); return;
    case CommandKind::kUNLOAD_LORA: mLibrary.unloadLora(mExecutor, command.requestId, nullptr); return;
    }
    throw std::runtime_error("A command is unknown.");
}

void Host::create(std::string const& config)
{
    trtllm_error error{};
    if (auto const status = mLibrary.create(config.c_str(), &mExecutor, &mWakeFd, &error); status != TRTLLM_OK)
    {
        sendFailure(TRTLLM_RECORD_LOAD_FAILED, 0, status, error.message);
        auto const stopped = stoppedRecord();
        sendRecords(reinterpret_cast<std::uint8_t const*>(&stopped), sizeof(stopped));
        return;
    }
    mRecords = std::thread([this] { pumpRecords(); });
}

void Host::submit(std::uint64_t client, std::vector<std::uint8_t> const& payload)
{
    std::uint32_t jsonBytes = 0;
    if (payload.size() < sizeof(jsonBytes))
    {
        throw std::runtime_error("A request is cut off.");
    }
    std::memcpy(&jsonBytes, payload.data(), sizeof(jsonBytes));
    auto const* const begin = payload.data() + sizeof(jsonBytes);
    auto const rest = payload.size() - sizeof(jsonBytes);
    if (jsonBytes > rest || (rest - jsonBytes) % sizeof(std::int32_t) != 0)
    {
        throw std::runtime_error("A request is cut off.");
    }
    std::string const json(begin, begin + jsonBytes);
    std::vector<std::int32_t> tokens((rest - jsonBytes) / sizeof(std::int32_t));
    if (!tokens.empty()) // memcpy takes no null, of which an empty prompt is made
    {
        std::memcpy(tokens.data(), begin + jsonBytes, rest - jsonBytes);
    }
    mIds.add(client,
        [&]() -> std::uint64_t
        {
            trtllm_error error{};
            std::uint64_t id = 0;
            auto const status
                = mLibrary.submit(mExecutor, json.c_str(), tokens.data(), tokens.size(), &id, &error);
            if (status != TRTLLM_OK)
            {
                sendFailure(TRTLLM_RECORD_ERROR, client, status, error.message);
                return 0;
            }
            return id;
        });
}

void Host::loadLora(std::uint64_t taskId, std::vector<std::uint8_t> const& path)
{
    trtllm_error error{};
    std::string const text(path.begin(), path.end());
    if (auto const status = mLibrary.loadLora(mExecutor, taskId, text.c_str(), &error); status != TRTLLM_OK)
    {
        sendFailure(TRTLLM_RECORD_LORA, taskId, status, error.message);
    }
}

void Host::pumpRecords()
{
    std::vector<std::uint64_t> aligned(kDrainBytes / sizeof(std::uint64_t));
    for (bool stopped = false; !stopped;)
    {
        auto* const buffer = reinterpret_cast<std::uint8_t*>(aligned.data());
        auto const capacity = aligned.size() * sizeof(std::uint64_t);
        std::size_t bytes = 0;
        if (mLibrary.drain(mExecutor, buffer, capacity, &bytes, nullptr) == TRTLLM_ERR_BUFFER_TOO_SMALL)
        {
            aligned.resize((bytes + 7) / 8);
            continue;
        }
        if (bytes == 0)
        {
            pollfd poller{mWakeFd, POLLIN, 0};
            poll(&poller, 1, -1);
            char scrap[64];
            static_cast<void>(!read(mWakeFd, scrap, sizeof(scrap)));
            continue;
        }
        mIds.translate(buffer, bytes);
        trtllm_record last;
        std::memcpy(&last, buffer + bytes - sizeof(last), sizeof(last)); // STOPPED has no payload
        stopped = last.size == sizeof(last) && last.kind == TRTLLM_RECORD_STOPPED && last.request_id == 0;
        mStopped = stopped;
        sendRecords(buffer, bytes);
    }
}

void Host::answerQueries()
{
    Query query;
    std::vector<std::uint8_t> payload;
    std::vector<std::uint8_t> out;
    while (readFrame(kQueryFd, query, payload))
    {
        trtllm_error error{};
        auto const status = answer(query, payload, out, error);
        if (status != TRTLLM_OK)
        {
            out.assign(error.message, error.message + std::strlen(error.message));
        }
        Reply const reply{static_cast<std::uint32_t>(out.size()), status};
        if (!writeAll(kQueryFd, &reply, sizeof(reply)) || !writeAll(kQueryFd, out.data(), out.size()))
        {
            return;
        }
    }
}

trtllm_status Host::answer(
    Query const& query, std::vector<std::uint8_t> const& payload, std::vector<std::uint8_t>& out, trtllm_error& error)
{
    switch (query.kind)
    {
    case QueryKind::kITERATION_STATS:
        return fillGrowing<char>(out, 64 * 1024,
            [&](char* buffer, std::size_t capacity, std::size_t* length)
            { return mLibrary.iterationStats(mExecutor, buffer, capacity, length, &error); });
    case QueryKind::kREQUEST_STATS:
    {
        auto const status = fillGrowing<char>(out, 64 * 1024,
            [&](char* buffer, std::size_t capacity, std::size_t* length)
            { return mLibrary.requestStats(mExecutor, buffer, capacity, length, &error); });
        out = mIds.translateStats({out.begin(), out.end()});
        return status;
    }
    case QueryKind::kKV_EVENTS:
        return fillGrowing<char>(out, 64 * 1024,
            [&](char* buffer, std::size_t capacity, std::size_t* length)
            { return mLibrary.kvEvents(mExecutor, buffer, capacity, length, &error); });
    case QueryKind::kTOKENIZE:
        return fillGrowing<std::int32_t>(out, payload.size() + 2,
            [&](std::int32_t* buffer, std::size_t capacity, std::size_t* count)
            {
                return mLibrary.tokenize(mExecutor, reinterpret_cast<char const*>(payload.data()), payload.size(),
                    query.flags, buffer, capacity, count, &error);
            });
    case QueryKind::kTOKEN_PIECES:
        return fillGrowing<std::uint8_t>(out, 1024 * 1024,
            [&](std::uint8_t* buffer, std::size_t capacity, std::size_t* size)
            { return mLibrary.tokenPieces(mExecutor, buffer, capacity, size, &error); });
    }
    throw std::runtime_error("A query is unknown.");
}

void Host::sendFailure(std::uint16_t kind, std::uint64_t client, trtllm_status status, std::string_view message)
{
    auto const record = failureRecord(kind, client, status, message);
    sendRecords(record.data(), record.size());
}

void Host::sendRecords(std::uint8_t const* records, std::size_t bytes)
{
    std::lock_guard const lock(mSendMutex);
    if (!writeAll(kCommandFd, records, bytes))
    {
        clientIsGone();
    }
}

void reportLibraryFailure(std::string_view message)
{
    auto const record = failureRecord(TRTLLM_RECORD_LOAD_FAILED, 0, kLibraryFailed, message);
    auto const stopped = stoppedRecord();
    auto alive = writeAll(kCommandFd, record.data(), record.size()) && writeAll(kCommandFd, &stopped, sizeof(stopped));
    // A socket that is closed with something unread in it takes back what was written to it.
    Command command;
    std::vector<std::uint8_t> payload;
    while (alive)
    {
        alive = readFrame(kCommandFd, command, payload);
    }
}

} // namespace trtllm_host
