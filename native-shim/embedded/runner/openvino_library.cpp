#include "runner/openvino_library.h"

#include "load_error.h"

#include <dlfcn.h>

namespace tensorrt_llm::executor::embedded
{

namespace
{

struct Library
{
    LoadOpenVino* load{nullptr};
    std::string version;
    std::string error;
};

/// Found by the run path of the library that this code is in: it lies beside it.
Library openLibrary()
{
    auto* const handle = dlopen("libtrtllm_openvino.so", RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr)
    {
        return {nullptr, "", dlerror()};
    }
    auto const version = reinterpret_cast<char const* (*)()>(dlsym(handle, kOpenVinoVersion));
    return {reinterpret_cast<LoadOpenVino*>(dlsym(handle, kLoadOpenVino)), version(), ""};
}

Library const& library()
{
    static auto const opened = openLibrary();
    return opened;
}

} // namespace

std::optional<std::string> openVinoVersion()
{
    return library().load == nullptr ? std::nullopt : std::optional(library().version);
}

std::shared_ptr<OpenVinoEngine> loadOpenVino(
    std::filesystem::path const& model, OpenVinoOptions const& options, LoadProgress const& progress)
{
    if (library().load == nullptr)
    {
        throw LoadError(LoadError::Kind::kINCOMPATIBLE,
            model.string() + " needs OpenVINO, which is not there (" + library().error
                + "); run `npm run setup`, or load a GGUF with the runner \"llama.cpp\"");
    }
    std::shared_ptr<OpenVinoEngine> engine;
    library().load(model, options, progress, engine);
    return engine;
}

} // namespace tensorrt_llm::executor::embedded
