// The part of TensorRT-LLM's header of this name that the shim uses.
#pragma once

extern "C" bool initTrtLlmPlugins(void* logger = nullptr, char const* libNamespace = "tensorrt_llm");
