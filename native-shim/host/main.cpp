// trtllm-host LIBRARY: serves one executor of a shim library to the process that started it, over the sockets that it
// inherits (protocol.h). Ends with that process.
#include "host.h"

#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace
{

/// SIGKILL needs nobody's help, also where this process is stopped or busy. A parent that is gone already has closed
/// its socket.
void dieWithParent()
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/// What waits in the socket waits for a slow reader; in the shim it would be joined.
void keepSendBufferSmall()
{
    int const bytes = 64 * 1024;
    setsockopt(trtllm_host::kCommandFd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

int serve(char const* path)
{
    std::optional<trtllm_host::Library> library;
    try
    {
        library.emplace(path);
    }
    catch (std::exception const& error)
    {
        trtllm_host::reportLibraryFailure(error.what());
        return 0;
    }
    trtllm_host::Host(*library).run();
    return 0;
}

} // namespace

int main(int count, char** arguments)
{
    if (count != 2)
    {
        std::fputs("Usage: trtllm-host LIBRARY, started by packages/core\n", stderr);
        return 2;
    }
    dieWithParent();
    dup2(STDERR_FILENO, STDOUT_FILENO);
    keepSendBufferSmall();
    try
    {
        return serve(arguments[1]);
    }
    catch (std::exception const& error)
    {
        std::fprintf(stderr, "trtllm-host: %s\n", error.what());
        _exit(1);
    }
}
