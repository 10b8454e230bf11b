// Hands the two descriptors of protocol.h from one process to another, over a Unix socket.
#pragma once

namespace trtllm_host
{

/// Throws std::system_error.
void sendDescriptors(int socket);

/// They become kCommandFd and kQueryFd; the socket is closed. Throws std::system_error, or std::runtime_error where none came.
void receiveDescriptors(int socket);

} // namespace trtllm_host
