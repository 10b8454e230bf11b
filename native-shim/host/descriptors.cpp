#include "descriptors.h"

#include "protocol.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace trtllm_host
{

namespace
{

constexpr std::size_t kCount = 2;

struct Message
{
    char byte{0}; // ancillary data travels with at least one byte
    iovec content{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(kCount * sizeof(int))]{};
    msghdr header{};

    Message()
    {
        header.msg_iov = &content;
        header.msg_iovlen = 1;
        header.msg_control = control;
        header.msg_controllen = sizeof(control);
    }
};

[[noreturn]] void fail(char const* what)
{
    throw std::system_error(errno, std::generic_category(), what);
}

} // namespace

void sendDescriptors(int socket)
{
    Message message;
    auto* const entry = CMSG_FIRSTHDR(&message.header);
    entry->cmsg_level = SOL_SOCKET;
    entry->cmsg_type = SCM_RIGHTS;
    entry->cmsg_len = CMSG_LEN(kCount * sizeof(int));
    int const descriptors[kCount] = {kCommandFd, kQueryFd};
    std::memcpy(CMSG_DATA(entry), descriptors, sizeof(descriptors));
    if (sendmsg(socket, &message.header, MSG_NOSIGNAL) < 0)
    {
        fail("The connection cannot be handed over");
    }
}

void receiveDescriptors(int socket)
{
    Message message;
    if (recvmsg(socket, &message.header, MSG_CMSG_CLOEXEC) < 0)
    {
        fail("No connection was handed over");
    }
    auto* const entry = CMSG_FIRSTHDR(&message.header);
    if (entry == nullptr || entry->cmsg_type != SCM_RIGHTS || entry->cmsg_len != CMSG_LEN(kCount * sizeof(int)))
    {
        throw std::runtime_error("No connection was handed over.");
    }
    int received[kCount];
    std::memcpy(received, CMSG_DATA(entry), sizeof(received));
    close(socket); // it may have one of the numbers that they get; those that they have now are moved out of the way
    for (auto& descriptor : received)
    {
        auto const moved = fcntl(descriptor, F_DUPFD_CLOEXEC, kQueryFd + 1);
        close(descriptor);
        descriptor = moved;
    }
    if (dup2(received[0], kCommandFd) < 0 || dup2(received[1], kQueryFd) < 0)
    {
        fail("The connection cannot be taken over");
    }
    close(received[0]);
    close(received[1]);
}

} // namespace trtllm_host
