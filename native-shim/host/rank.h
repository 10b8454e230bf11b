// One of several processes that mpirun has started. Rank 0 serves Node, the others follow it.
#pragma once

#include "library.h"

namespace trtllm_host
{

/// Returns the exit status. Throws std::exception.
int runRank(Library const& library);

} // namespace trtllm_host
