// Drives trtllm-host as packages/core does: over a socket pair, in the frames of protocol.h. The host and the library are
// those of this build, so that sanitizers see both.
#include "check.h"
#include "client.h"
#include "protocol.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>

namespace
{

using namespace trtllm_host;

class HostProcess
{
public:
    explicit HostProcess(std::string const& library = TRTLLM_TEST_LIBRARY)
    {
        int commands[2];
        int queries[2];
        CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, commands), 0);
        CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, queries), 0);
        mCommands = commands[0];
        mQueries = queries[0];
        mChild = fork();
        if (mChild == 0)
        {
            // Out of the way of the numbers that they get.
            auto const command = fcntl(commands[1], F_DUPFD, kQueryFd + 1);
            auto const query = fcntl(queries[1], F_DUPFD, kQueryFd + 1);
            dup2(command, kCommandFd);
            dup2(query, kQueryFd);
            close(command);
            close(query);
            execl(TRTLLM_TEST_HOST, "trtllm-host", library.c_str(), nullptr);
            _exit(127);
        }
        close(commands[1]);
        close(queries[1]);
    }

    ~HostProcess()
    {
        close(mQueries);
        if (mChild > 0)
        {
            kill(mChild, SIGKILL);
            waitpid(mChild, nullptr, 0);
        }
    }

    HostProcess(HostProcess const&) = delete;
    HostProcess& operator=(HostProcess const&) = delete;

    void command(CommandKind kind, std::uint64_t id = 0, std::string const& payload = "") const
    {
        Command const header{static_cast<std::uint32_t>(payload.size()), kind, id};
        send(mCommands, &header, sizeof(header));
        send(mCommands, payload.data(), payload.size());
    }

    void create(std::string const& script = "{}", std::string const& executor = "{}") const
    {
        command(CommandKind::kCREATE, 0,
            R"({"engine": "/", "executor": )" + executor + R"(, "synthetic": )" + script + "}");
    }

    void submit(std::uint64_t id, std::vector<std::int32_t> const& prompt,
        std::string const& json = R"({"maxTokens": 3})") const
    {
        auto const length = static_cast<std::uint32_t>(json.size());
        std::string payload(reinterpret_cast<char const*>(&length), sizeof(length));
        payload += json;
        payload.append(reinterpret_cast<char const*>(prompt.data()), prompt.size() * sizeof(std::int32_t));
        command(CommandKind::kSUBMIT, id, payload);
    }

    Reply query(QueryKind kind, std::string& answer, std::string const& payload = "") const
    {
        Query const header{static_cast<std::uint32_t>(payload.size()), kind, 0, 0};
        send(mQueries, &header, sizeof(header));
        send(mQueries, payload.data(), payload.size());
        Reply reply{};
        receive(mQueries, &reply, sizeof(reply));
        answer.resize(reply.bytes);
        receive(mQueries, answer.data(), answer.size());
        return reply;
    }

    Record next() const
    {
        trtllm_record header{};
        receive(mCommands, &header, sizeof(header));
        std::vector<std::uint64_t> bytes(header.size / sizeof(std::uint64_t));
        auto* const target = reinterpret_cast<std::uint8_t*>(bytes.data());
        std::memcpy(target, &header, sizeof(header));
        receive(mCommands, target + sizeof(header), header.size - sizeof(header));
        return decode(target, header.size).front();
    }

    /// The next record of this kind; others are dropped.
    Record next(int kind) const
    {
        for (;;)
        {
            auto record = next();
            if (record.header.kind == kind)
            {
                return record;
            }
        }
    }

    /// Says that nothing more will come. Returns the exit status.
    int end()
    {
        close(mCommands);
        int status = 0;
        CHECK_EQ(waitpid(mChild, &status, 0), mChild);
        mChild = 0;
        CHECK(WIFEXITED(status));
        return WEXITSTATUS(status);
    }

private:
    static void send(int fd, void const* data, std::size_t bytes)
    {
        CHECK_EQ(::send(fd, data, bytes, MSG_NOSIGNAL), static_cast<ssize_t>(bytes));
    }

    static void receive(int fd, void* data, std::size_t bytes)
    {
        for (std::size_t done = 0; done < bytes;)
        {
            auto const count = read(fd, static_cast<char*>(data) + done, bytes - done);
            CHECK(count > 0);
            done += static_cast<std::size_t>(count);
        }
    }

    int mCommands{-1};
    int mQueries{-1};
    pid_t mChild{0};
};

} // namespace

TEST("requests are answered under the client's ids, and the host ends with the executor")
{
    HostProcess host;
    host.create();
    host.next(TRTLLM_RECORD_READY);
    for (std::uint64_t id = 700; id < 720; ++id)
    {
        host.submit(id, {7});
    }
    std::vector<std::uint64_t> ended;
    while (ended.size() < 20)
    {
        auto const record = host.next();
        CHECK(record.header.request_id >= 700 && record.header.request_id < 720);
        if (record.header.kind == TRTLLM_RECORD_FINAL)
        {
            ended.push_back(record.header.request_id);
        }
    }
    host.submit(720, {synthetic::kENDLESS});
    CHECK_EQ(host.next().header.request_id, 720u);
    host.command(CommandKind::kCANCEL, 720);
    CHECK_EQ(host.next(TRTLLM_RECORD_FINAL).header.finish_reason, TRTLLM_FINISH_CANCELLED);
    host.submit(721, {synthetic::kENDLESS});
    host.command(CommandKind::kSHUTDOWN);
    host.next(TRTLLM_RECORD_STOPPED);
    CHECK_EQ(host.end(), 0);
}

TEST("request statistics name requests by the client's ids, ended ones too")
{
    HostProcess host;
    host.create("{}", R"({"requestStatsMaxIterations": 1000})");
    host.next(TRTLLM_RECORD_READY);
    host.submit(901, {7}, R"({"maxTokens": 1})");
    host.next(TRTLLM_RECORD_FINAL);
    host.submit(902, {7}, R"({"maxTokens": 1})");
    host.next(TRTLLM_RECORD_FINAL);
    std::string all;
    while (all.find("\"id\":902") == std::string::npos) // an iteration's statistics may come after its responses
    {
        std::string stats;
        CHECK_EQ(host.query(QueryKind::kREQUEST_STATS, stats).status, TRTLLM_OK);
        all += stats;
    }
    CHECK(all.find("\"id\":901") != std::string::npos);
    CHECK(all.find("\"id\":1,") == std::string::npos && all.find("\"id\":2,") == std::string::npos);
}

TEST("questions are answered while requests run")
{
    HostProcess host;
    host.create(R"({"stepDelayMs": 1})");
    host.next(TRTLLM_RECORD_READY);
    host.submit(1, {synthetic::kENDLESS});
    host.next(TRTLLM_RECORD_TOKENS);
    std::string answer;
    CHECK_EQ(host.query(QueryKind::kTOKENIZE, answer, "ab").status, TRTLLM_OK);
    CHECK_EQ(answer, std::string("a\0\0\0b\0\0\0", 8));
    CHECK_EQ(host.query(QueryKind::kITERATION_STATS, answer).status, TRTLLM_OK);
    CHECK(answer.front() == '[');
}

TEST("what is refused is an error under the client's id")
{
    HostProcess host;
    host.create();
    host.next(TRTLLM_RECORD_READY);
    host.submit(5, {}, R"({"maxTokens": 3})");
    auto const refused = host.next();
    CHECK_EQ(refused.header.request_id, 5u);
    CHECK_EQ(refused.status, TRTLLM_ERR_INVALID_ARGUMENT);
}

TEST("a library that cannot be loaded is told, and a client that is gone ends the host")
{
    HostProcess without("/no/such/library.so");
    auto const failed = without.next(TRTLLM_RECORD_LOAD_FAILED);
    CHECK_EQ(failed.status, kLibraryFailed);
    CHECK(failed.text.find("/no/such/library.so") != std::string::npos);
    without.next(TRTLLM_RECORD_STOPPED);
    without.end();

    HostProcess abandoned;
    abandoned.create(R"({"stepDelayMs": 1})");
    abandoned.next(TRTLLM_RECORD_READY);
    abandoned.submit(1, {synthetic::kENDLESS});
    abandoned.next(TRTLLM_RECORD_TOKENS);
    abandoned.end();
}
