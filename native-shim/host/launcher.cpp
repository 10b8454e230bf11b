#include "launcher.h"

#include "descriptors.h"
#include "pipes.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <poll.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace trtllm_host
{

namespace
{

constexpr std::size_t kMostConfigBytes = 100'000; // of an environment variable; the kernel takes 128 KiB
constexpr int kLookMs = 20;

[[noreturn]] void fail(char const* what)
{
    throw std::system_error(errno, std::generic_category(), what);
}

/// A listening socket in a folder that only this user can enter. Both are gone with it.
class Rendezvous
{
public:
    Rendezvous()
    {
        std::string folder = std::filesystem::temp_directory_path() / "trtllm-host-XXXXXX";
        if (mkdtemp(folder.data()) == nullptr) // mode 0700
        {
            fail("No temporary folder can be made");
        }
        mFolder = folder;
        mPath = folder + "/rank0";
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (mPath.size() >= sizeof(address.sun_path))
        {
            throw std::runtime_error("The path of the temporary folder is too long for a socket: " + mPath);
        }
        mPath.copy(address.sun_path, mPath.size());
        umask(0177); // the socket's mode is 0600
        mSocket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (mSocket < 0 || bind(mSocket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0
            || listen(mSocket, 1) != 0)
        {
            fail("No socket can be opened");
        }
        umask(0077);
    }

    ~Rendezvous()
    {
        close(mSocket);
        std::error_code ignored;
        std::filesystem::remove_all(mFolder, ignored);
    }

    Rendezvous(Rendezvous const&) = delete;
    Rendezvous& operator=(Rendezvous const&) = delete;

    [[nodiscard]] std::string const& path() const
    {
        return mPath;
    }

    /// Hands over the connection to a process of this user that has come for it. False where none has.
    [[nodiscard]] bool serve() const
    {
        pollfd poller{mSocket, POLLIN, 0};
        if (poll(&poller, 1, kLookMs) != 1)
        {
            return false;
        }
        auto const client = accept4(mSocket, nullptr, nullptr, SOCK_CLOEXEC);
        ucred peer{};
        socklen_t bytes = sizeof(peer);
        auto const known = client >= 0 && getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0
            && peer.uid == geteuid();
        if (known)
        {
            sendDescriptors(client);
        }
        close(client);
        return known;
    }

private:
    std::string mFolder;
    std::string mPath;
    int mSocket{-1};
};

std::string readConfig()
{
    Command command;
    std::vector<std::uint8_t> payload;
    if (!readFrame(kCommandFd, command, payload))
    {
        _exit(0); // the client is gone
    }
    if (command.kind != CommandKind::kCREATE || payload.size() > kMostConfigBytes)
    {
        throw std::runtime_error("The first command must be a configuration of at most "
            + std::to_string(kMostConfigBytes) + " bytes.");
    }
    return {payload.begin(), payload.end()};
}

pid_t start(std::vector<std::string> const& command)
{
    std::vector<char*> arguments;
    for (auto const& word : command)
    {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    auto const parent = getpid();
    auto const child = fork();
    if (child == 0)
    {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
        {
            _exit(1);
        }
        close(kCommandFd);
        close(kQueryFd);
        execvp(arguments[0], arguments.data());
        dprintf(STDERR_FILENO, "trtllm-host: %s cannot be started: %s\n", arguments[0], std::strerror(errno));
        _exit(127);
    }
    if (child < 0)
    {
        fail("No process can be started");
    }
    return child;
}

int exitStatus(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace

int launch(std::vector<std::string> const& command)
{
    setenv(kConfigVariable, readConfig().c_str(), 1);
    int status = 0;
    pid_t child = 0;
    {
        Rendezvous const rendezvous;
        setenv(kSocketVariable, rendezvous.path().c_str(), 1);
        child = start(command);
        while (!rendezvous.serve())
        {
            if (waitpid(child, &status, WNOHANG) == child)
            {
                return exitStatus(status);
            }
        }
    }
    // From now on rank 0 alone holds the connection, so that its end is seen.
    close(kCommandFd);
    close(kQueryFd);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
    {
    }
    return exitStatus(status);
}

} // namespace trtllm_host
