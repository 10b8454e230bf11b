#include "script.h"

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <unistd.h>

namespace synthetic
{

void strike(Fault fault)
{
    switch (fault)
    {
    case Fault::kSEGFAULT: std::raise(SIGSEGV); break;
    case Fault::kABORT: std::abort();
    case Fault::kEXIT: _exit(3);
    case Fault::kEXCEPTION: throw std::runtime_error("The executor's loop broke.");
    case Fault::kHANG: break;
    }
    for (;;)
    {
        std::this_thread::sleep_for(std::chrono::hours(1));
    }
}

} // namespace synthetic
