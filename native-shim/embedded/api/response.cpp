#include "tensorrt_llm/executor/executor.h"

#include <utility>

namespace tensorrt_llm::executor
{

Response::Response(IdType requestId, std::string errorMsg)
    : mRequestId(requestId)
    , mContent(std::move(errorMsg))
{
}

Response::Response(IdType requestId, Result result)
    : mRequestId(requestId)
    , mContent(std::move(result))
{
}

IdType Response::getRequestId() const
{
    return mRequestId;
}

bool Response::hasError() const
{
    return std::holds_alternative<std::string>(mContent);
}

std::string const& Response::getErrorMsg() const
{
    return std::get<std::string>(mContent);
}

Result const& Response::getResult() const
{
    return std::get<Result>(mContent);
}

} // namespace tensorrt_llm::executor
