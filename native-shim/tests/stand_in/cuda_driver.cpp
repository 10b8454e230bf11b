// Of libcuda.so.1, what the shim calls: as many GPUs as STAND_IN_GPUS says, of the compute capability in it ("2x9.0").
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace
{

struct Gpus
{
    int count{1};
    int major{9};
    int minor{0};

    Gpus()
    {
        if (auto const* const text = std::getenv("STAND_IN_GPUS"))
        {
            std::sscanf(text, "%dx%d.%d", &count, &major, &minor);
        }
    }
};

} // namespace

extern "C"
{

int cuInit(unsigned int)
{
    return Gpus().count > 0 ? 0 : 100;
}

int cuDeviceGetCount(int* count)
{
    *count = Gpus().count;
    return 0;
}

int cuDeviceGet(int* device, int ordinal)
{
    *device = ordinal;
    return 0;
}

int cuDeviceGetName(char* name, int bytes, int)
{
    std::strncpy(name, "Stand-in GPU", static_cast<std::size_t>(bytes));
    return 0;
}

int cuDeviceGetAttribute(int* value, int attribute, int)
{
    *value = attribute == 75 ? Gpus().major : Gpus().minor;
    return 0;
}

} // extern "C"
