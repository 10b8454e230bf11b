// Of libnvinfer_plugin_tensorrt_llm.so, what the shim calls.
#include "tensorrt_llm/plugins/api/tllmPlugin.h"

bool initTrtLlmPlugins(void*, char const*)
{
    return true;
}
