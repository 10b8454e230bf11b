#include "mpi_world.h"

#include "launched_world.h"

#include <csignal>
#include <cstdlib>
#include <dlfcn.h>
#include <stdexcept>
#include <string>

namespace synthetic
{

namespace
{

constexpr int kThreadMultiple = 3; // MPI_THREAD_MULTIPLE

template <typename Symbol>
Symbol symbol(void* library, char const* name)
{
    auto* const found = dlsym(library, name);
    if (found == nullptr)
    {
        throw std::runtime_error(std::string("libmpi.so.40 is not Open MPI's: it has no ") + name);
    }
    return reinterpret_cast<Symbol>(found);
}

int (*abortAll)(void* communicator, int code) = nullptr;
void* everyone = nullptr;

void abortOnSignal(int signal)
{
    abortAll(everyone, 128 + signal);
}

class OpenMpi final : public MpiWorld
{
public:
    OpenMpi()
    {
        auto* const library = dlopen("libmpi.so.40", RTLD_NOW | RTLD_GLOBAL);
        if (library == nullptr)
        {
            throw std::runtime_error(std::string("There is no Open MPI: ") + dlerror());
        }
        auto* const initialize
            = symbol<int (*)(int*, char***, int, int*)>(library, "MPI_Init_thread");
        mBroadcast = symbol<decltype(mBroadcast)>(library, "MPI_Bcast");
        mBarrier = symbol<decltype(mBarrier)>(library, "MPI_Barrier");
        mInteger = symbol<void*>(library, "ompi_mpi_int");
        everyone = symbol<void*>(library, "ompi_mpi_comm_world");
        abortAll = symbol<decltype(abortAll)>(library, "MPI_Abort");
        static auto* const finalize = symbol<int (*)()>(library, "MPI_Finalize");
        int provided = 0;
        if (initialize(nullptr, nullptr, kThreadMultiple, &provided) != 0 || provided != kThreadMultiple)
        {
            throw std::runtime_error("MPI does not take calls from several threads.");
        }
        symbol<int (*)(void*, int*)>(library, "MPI_Comm_rank")(everyone, &mRank);
        std::atexit([] { finalize(); });
        std::signal(SIGABRT, abortOnSignal);
        std::signal(SIGSEGV, abortOnSignal);
    }

    [[nodiscard]] int rank() const override
    {
        return mRank;
    }

    [[nodiscard]] int broadcast(int value) override
    {
        mBroadcast(&value, 1, mInteger, 0, everyone);
        mBarrier(everyone); // a broadcast of so little waits for nobody
        return value;
    }

private:
    int mRank{0};
    void* mInteger{nullptr};
    int (*mBarrier)(void* communicator){nullptr};
    int (*mBroadcast)(void* buffer, int count, void* type, int root, void* communicator){nullptr};
};

} // namespace

std::shared_ptr<MpiWorld> MpiWorld::join()
{
    if (trtllm_world::launchedWorld().size == 1)
    {
        return nullptr;
    }
    static auto const world = std::make_shared<OpenMpi>();
    return world;
}

} // namespace synthetic
