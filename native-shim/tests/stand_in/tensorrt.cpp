// Of libnvinfer.so.10, what the shim calls.
#include <cstdint>

extern "C" std::int32_t getInferLibVersion()
{
    return 101303;
}
