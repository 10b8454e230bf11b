// How backend.cpp hands the script to the executor.
#pragma once

#include "script.h"

#include "tensorrt_llm/executor/executor.h"

#include <utility>

namespace tensorrt_llm::executor
{

class Model
{
public:
    explicit Model(synthetic::Script value)
        : script(std::move(value))
    {
    }

    synthetic::Script const script;
};

} // namespace tensorrt_llm::executor
