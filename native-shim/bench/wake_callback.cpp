// The wake-up that the SDK does not use, to be measured against the one it does: a native thread that waits on the
// pipe and calls into JavaScript.
#include <poll.h>
#include <thread>
#include <unistd.h>

namespace
{

std::thread thread;

void loop(int fd, void (*wake)())
{
    for (;;)
    {
        pollfd poller{fd, POLLIN, 0};
        poll(&poller, 1, -1);
        char bytes[64];
        if (read(fd, bytes, sizeof(bytes)) == 0)
        {
            return; // the executor is gone
        }
        wake();
    }
}

} // namespace

extern "C"
{

/// `fd`: the read end that trtllm_executor_create gives. Ends when the executor is destroyed.
__attribute__((visibility("default"))) void wake_callback_start(int fd, void (*wake)())
{
    thread = std::thread(loop, fd, wake);
}

__attribute__((visibility("default"))) void wake_callback_join()
{
    thread.join();
}

} // extern "C"
