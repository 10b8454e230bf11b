// Compiled in before every source file of XGrammar, which has no time limit of its own: its debug checks, which
// lie all over its loops and recursions, become the points at which our WorkLimit can stop it.
#pragma once

#include "support/logging.h"

namespace tensorrt_llm::executor::embedded
{
void checkpoint();
}

#undef XGRAMMAR_DCHECK
#define XGRAMMAR_DCHECK(x)                                                                                             \
    while (::tensorrt_llm::executor::embedded::checkpoint(), false)                                                    \
    XGRAMMAR_ICHECK(x)
