#include "gpu.h"

#include <dlfcn.h>

namespace trtllm_shim
{

namespace
{

constexpr int kSuccess = 0;
constexpr int kComputeCapabilityMajor = 75; // CU_DEVICE_ATTRIBUTE_*
constexpr int kComputeCapabilityMinor = 76;

/// The few functions of libcuda.so.1 that are needed. All return 0 where they succeed.
struct Driver
{
    int (*init)(unsigned int flags){nullptr};
    int (*deviceGetCount)(int* count){nullptr};
    int (*deviceGet)(int* device, int ordinal){nullptr};
    int (*deviceGetName)(char* name, int bytes, int device){nullptr};
    int (*deviceGetAttribute)(int* value, int attribute, int device){nullptr};

    Driver()
    {
        auto* const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL); // never closed: TensorRT-LLM uses it too
        bind(library, "cuInit", init);
        bind(library, "cuDeviceGetCount", deviceGetCount);
        bind(library, "cuDeviceGet", deviceGet);
        bind(library, "cuDeviceGetName", deviceGetName);
        bind(library, "cuDeviceGetAttribute", deviceGetAttribute);
        mUsable = init != nullptr && deviceGetCount != nullptr && deviceGet != nullptr && deviceGetName != nullptr
            && deviceGetAttribute != nullptr && init(0) == kSuccess;
    }

    [[nodiscard]] bool usable() const
    {
        return mUsable;
    }

private:
    template <typename Function>
    static void bind(void* library, char const* name, Function& function)
    {
        function = library == nullptr ? nullptr : reinterpret_cast<Function>(dlsym(library, name));
    }

    bool mUsable{false};
};

Driver const& driver()
{
    static Driver const instance;
    return instance;
}

} // namespace

int gpuCount()
{
    int count = 0;
    return driver().usable() && driver().deviceGetCount(&count) == kSuccess ? count : 0;
}

std::optional<Gpu> findGpu(int number)
{
    int device = 0;
    if (number < 0 || number >= gpuCount() || driver().deviceGet(&device, number) != kSuccess)
    {
        return std::nullopt;
    }
    char name[256]{};
    int major = 0;
    int minor = 0;
    driver().deviceGetName(name, sizeof(name) - 1, device);
    driver().deviceGetAttribute(&major, kComputeCapabilityMajor, device);
    driver().deviceGetAttribute(&minor, kComputeCapabilityMinor, device);
    return Gpu{name, std::to_string(major) + "." + std::to_string(minor)};
}

} // namespace trtllm_shim
