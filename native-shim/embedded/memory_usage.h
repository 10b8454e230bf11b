#pragma once

#include <cstddef>
#include <fstream>
#include <string>
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

/// Memory of the machine that is free or can be made so without swapping, in bytes; 0 where the system does not tell.
inline std::size_t availableBytes()
{
    std::ifstream file("/proc/meminfo");
    std::string name;
    std::size_t kibibytes = 0;
    std::string unit;
    while (file >> name >> kibibytes)
    {
        if (name == "MemAvailable:")
        {
            return kibibytes * 1024;
        }
        std::getline(file, unit);
    }
    return 0;
}

} // namespace tensorrt_llm::executor::embedded
