// Which of several processes this is, as mpirun or srun says in the environment.
#pragma once

#include <cstdlib>
#include <initializer_list>

namespace trtllm_world
{

struct World
{
    int rank{0};
    int size{1};
};

/// The first of these variables that holds a number of at least 0.
inline int environmentNumber(std::initializer_list<char const*> names, int otherwise)
{
    for (auto const* name : names)
    {
        auto const* const text = std::getenv(name);
        char* end = nullptr;
        auto const value = text == nullptr ? -1 : std::strtol(text, &end, 10);
        if (value >= 0 && end != text && *end == '\0')
        {
            return static_cast<int>(value);
        }
    }
    return otherwise;
}

/// Of Open MPI, MPICH and its kin, Slurm; a process that nobody of them has started is alone.
inline World launchedWorld()
{
    World world;
    world.rank = environmentNumber({"OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"}, 0);
    world.size = environmentNumber({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS"}, 1);
    return world;
}

} // namespace trtllm_world
