#include "check.h"
#include "optional_setter.h"

#include <string>

namespace
{

using namespace trtllm_shim;

struct WithSetter
{
    void setLimit(int value)
    {
        limit = value;
    }

    int limit{0};
};

struct WithoutSetter
{
};

constexpr auto setLimit = [](auto& target, int value) -> decltype(target.setLimit(value)) { target.setLimit(value); };

TEST("an option is passed to a release that declares its setter")
{
    WithSetter config;
    setIfDeclared(setLimit, config, 7, "limit");
    CHECK_EQ(config.limit, 7);
}

TEST("an option is refused by name where the release declares no setter for it")
{
    WithoutSetter config;
    auto status = TRTLLM_OK;
    std::string message;
    try
    {
        setIfDeclared(setLimit, config, 7, "limit");
    }
    catch (StatusError const& error)
    {
        status = error.status();
        message = error.what();
    }
    CHECK_EQ(status, TRTLLM_ERR_UNSUPPORTED);
    CHECK(message.find("limit") != std::string::npos);
}

} // namespace
