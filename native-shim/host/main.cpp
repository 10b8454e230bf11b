// trtllm-host LIBRARY: serves one executor of a shim library to the process that started it, over the sockets that it
// inherits (protocol.h). Ends with that process.
// trtllm-host launch COMMAND...: for engines of several ranks. Runs the command, which is mpirun, its arguments and then
// trtllm-host rank LIBRARY; rank 0 gets the sockets.
#include "host.h"
#include "launcher.h"
#include "rank.h"

#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <string_view>
#include <sys/prctl.h>
#include <unistd.h>

namespace
{

using namespace trtllm_host;

/// SIGKILL needs nobody's help, also where this process is stopped or busy. A parent that is gone already has closed
/// its socket.
void dieWithParent()
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

int serve(char const* path)
{
    std::optional<Library> library;
    try
    {
        library.emplace(path);
    }
    catch (std::exception const& error)
    {
        reportLibraryFailure(error.what());
        return 0;
    }
    Host(*library).run();
    return 0;
}

int run(std::vector<std::string> const& arguments)
{
    if (arguments.size() >= 2 && arguments[0] == "launch")
    {
        return launch({arguments.begin() + 1, arguments.end()});
    }
    if (arguments.size() == 2 && arguments[0] == "rank")
    {
        return runRank(Library(arguments[1]));
    }
    if (arguments.size() == 1)
    {
        return serve(arguments[0].c_str());
    }
    std::fputs("Usage: trtllm-host LIBRARY, started by packages/core\n", stderr);
    return 2;
}

} // namespace

int main(int count, char** arguments)
{
    dieWithParent();
    dup2(STDERR_FILENO, STDOUT_FILENO);
    try
    {
        return run({arguments + 1, arguments + count});
    }
    catch (std::exception const& error)
    {
        std::fprintf(stderr, "trtllm-host: %s\n", error.what());
        _exit(1);
    }
}
