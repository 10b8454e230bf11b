// TensorRT-LLM replaces the process's handlers of SIGABRT and SIGSEGV while it initializes MPI, with one that ends every
// process of the job. They belong to the application.
#pragma once

namespace trtllm_shim
{

/// While one exists an engine loads; the end of the last one puts back the handlers that the first one found.
class KeptSignalHandlers
{
public:
    KeptSignalHandlers();
    ~KeptSignalHandlers();
    KeptSignalHandlers(KeptSignalHandlers const&) = delete;
    KeptSignalHandlers& operator=(KeptSignalHandlers const&) = delete;
};

} // namespace trtllm_shim
