// Starts the ranks of an engine through mpirun, and hands rank 0 the connection to Node.
#pragma once

#include <string>
#include <vector>

namespace trtllm_host
{

/// Environment variables for the ranks: the configuration of the executor, and where rank 0 gets the connection.
constexpr auto kConfigVariable = "TRTLLM_HOST_CONFIG";
constexpr auto kSocketVariable = "TRTLLM_HOST_SOCKET";

/// Waits for the CREATE command, then runs `command` until it ends. Returns its exit status; 128 and the signal's number
/// where a signal has ended it. Throws std::exception.
int launch(std::vector<std::string> const& command);

} // namespace trtllm_host
