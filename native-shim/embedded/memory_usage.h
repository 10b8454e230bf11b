#pragma once

#include <cstddef>
#include <fstream>
#include <unistd.h>

namespace tensorrt_llm::executor::embedded
{

/// Resident memory of this process in bytes; 0 where the system does not tell.
inline std::size_t residentBytes()
{
    std::size_t total = 0;
    std::size_t resident = 0;
    std::ifstream("/proc/self/statm") >> total >> resident;
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

} // namespace tensorrt_llm::executor::embedded
