#include "signal_handlers.h"

#include <csignal>
#include <mutex>

namespace trtllm_shim
{

namespace
{

constexpr int kSignals[] = {SIGABRT, SIGSEGV};

std::mutex mutex;
int loading = 0;
struct sigaction found[2];

} // namespace

KeptSignalHandlers::KeptSignalHandlers()
{
    std::lock_guard const lock(mutex);
    if (loading++ > 0)
    {
        return;
    }
    for (int i = 0; i < 2; ++i)
    {
        sigaction(kSignals[i], nullptr, &found[i]);
    }
}

KeptSignalHandlers::~KeptSignalHandlers()
{
    std::lock_guard const lock(mutex);
    if (--loading > 0)
    {
        return;
    }
    for (int i = 0; i < 2; ++i)
    {
        sigaction(kSignals[i], &found[i], nullptr);
    }
}

} // namespace trtllm_shim
