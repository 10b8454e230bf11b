#include "pipes.h"

#include <cerrno>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace trtllm_host
{

namespace
{

/// False where the other side is gone, throws where something else is wrong.
bool isPeerAlive(ssize_t result)
{
    if (result > 0 || (result < 0 && errno == EINTR))
    {
        return true;
    }
    if (result == 0 || errno == EPIPE || errno == ECONNRESET)
    {
        return false;
    }
    throw std::system_error(errno, std::generic_category(), "The connection to Node failed");
}

} // namespace

bool readAll(int fd, void* target, std::size_t bytes)
{
    for (std::size_t done = 0; done < bytes;)
    {
        auto const result = read(fd, static_cast<std::uint8_t*>(target) + done, bytes - done);
        if (!isPeerAlive(result))
        {
            return false;
        }
        done += result > 0 ? static_cast<std::size_t>(result) : 0;
    }
    return true;
}

bool writeAll(int fd, void const* source, std::size_t bytes)
{
    for (std::size_t done = 0; done < bytes;)
    {
        auto const result = send(fd, static_cast<std::uint8_t const*>(source) + done, bytes - done, MSG_NOSIGNAL);
        if (!isPeerAlive(result))
        {
            return false;
        }
        done += result > 0 ? static_cast<std::size_t>(result) : 0;
    }
    return true;
}

} // namespace trtllm_host
