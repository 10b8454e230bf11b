#include "rank.h"

#include "descriptors.h"
#include "host.h"
#include "launched_world.h"
#include "launcher.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace trtllm_host
{

namespace
{

std::string environment(char const* name)
{
    auto const* const value = std::getenv(name);
    if (value == nullptr)
    {
        throw std::runtime_error(std::string("There is no ") + name + " in the environment: trtllm-host rank is started by trtllm-host launch.");
    }
    return value;
}

void takeConnection()
{
    auto const path = environment(kSocketVariable);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    auto const client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client < 0 || connect(client, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
    {
        throw std::system_error(errno, std::generic_category(),
            "Rank 0 cannot reach the process that started it (it must run on the same machine)");
    }
    receiveDescriptors(client);
}

/// The next records of an executor, waited for.
std::vector<std::uint64_t> nextRecords(Library const& library, std::uint64_t executor, int wakeFd)
{
    std::vector<std::uint64_t> buffer(8 * 1024);
    for (;;)
    {
        std::size_t bytes = 0;
        auto* const target = reinterpret_cast<std::uint8_t*>(buffer.data());
        auto const capacity = buffer.size() * sizeof(std::uint64_t);
        if (library.drain(executor, target, capacity, &bytes, nullptr) == TRTLLM_ERR_BUFFER_TOO_SMALL)
        {
            buffer.resize((bytes + 7) / 8);
            continue;
        }
        if (bytes > 0)
        {
            buffer.resize(bytes / sizeof(std::uint64_t));
            return buffer;
        }
        pollfd poller{wakeFd, POLLIN, 0};
        poll(&poller, 1, -1);
        char scrap[64];
        static_cast<void>(!read(wakeFd, scrap, sizeof(scrap)));
    }
}

/// Waits until the engine is loaded. Throws std::runtime_error with the reason where that fails.
void awaitReady(Library const& library, std::uint64_t executor, int wakeFd)
{
    for (;;)
    {
        auto const records = nextRecords(library, executor, wakeFd);
        auto const* const bytes = reinterpret_cast<std::uint8_t const*>(records.data());
        for (std::size_t offset = 0; offset < records.size() * sizeof(std::uint64_t);)
        {
            trtllm_record record;
            std::memcpy(&record, bytes + offset, sizeof(record));
            if (record.kind == TRTLLM_RECORD_READY)
            {
                return;
            }
            if (record.kind == TRTLLM_RECORD_LOAD_FAILED)
            {
                auto const* const text
                    = reinterpret_cast<char const*>(bytes + offset + sizeof(record) + sizeof(trtllm_status));
                throw std::runtime_error(std::string(text, record.count));
            }
            offset += record.size;
        }
    }
}

/// Does its part of every step until the leader stops: the executor's end waits for that.
int follow(Library const& library, std::string const& config)
{
    trtllm_error error{};
    std::uint64_t executor = 0;
    int wakeFd = -1;
    if (library.create(config.c_str(), &executor, &wakeFd, &error) != TRTLLM_OK)
    {
        throw std::runtime_error(error.message);
    }
    awaitReady(library, executor, wakeFd);
    library.destroy(executor, nullptr);
    close(wakeFd);
    return 0;
}

} // namespace

int runRank(Library const& library)
{
    auto const config = environment(kConfigVariable);
    auto const world = trtllm_world::launchedWorld();
    try
    {
        if (world.rank > 0)
        {
            return follow(library, config);
        }
        takeConnection();
        Host(library).run(config);
        return 0;
    }
    catch (std::exception const& error)
    {
        throw std::runtime_error("Rank " + std::to_string(world.rank) + ": " + error.what());
    }
}

} // namespace trtllm_host
