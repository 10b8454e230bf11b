// The processes that mpirun has started together, as TensorRT-LLM's executor uses them: MPI is looked for when it is
// needed, initialized once, finalized at exit, and its steps are collective.
#pragma once

#include <memory>

namespace synthetic
{

class MpiWorld
{
public:
    /// Null where this process was started alone. Throws std::runtime_error where there is no Open MPI, or it is too old
    /// for calls from several threads. Replaces the handlers of SIGABRT and SIGSEGV, as TensorRT-LLM does.
    static std::shared_ptr<MpiWorld> join();

    virtual ~MpiWorld() = default;
    [[nodiscard]] virtual int rank() const = 0;
    /// Rank 0 tells all others, and all wait for each other.
    [[nodiscard]] virtual int broadcast(int value) = 0;
};

} // namespace synthetic
