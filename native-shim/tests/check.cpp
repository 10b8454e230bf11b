// Runs every test, or those whose name contains the first argument.
#include "check.h"

#include <cstdio>
#include <utility>
#include <vector>

namespace
{

std::vector<std::pair<std::string, check::Body>>& tests()
{
    static std::vector<std::pair<std::string, check::Body>> all;
    return all;
}

bool passes(std::string const& name, check::Body body)
{
    try
    {
        body();
        std::printf("ok    %s\n", name.c_str());
        return true;
    }
    catch (std::exception const& error)
    {
        std::printf("FAIL  %s\n      %s\n", name.c_str(), error.what());
        return false;
    }
}

} // namespace

check::Registration::Registration(char const* name, Body body)
{
    tests().emplace_back(name, body);
}

int main(int argc, char** argv)
{
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ); // a test that crashes leaves the names before it
    std::string const filter = argc > 1 ? argv[1] : "";
    int passed = 0;
    int failed = 0;
    for (auto const& [name, body] : tests())
    {
        if (name.find(filter) != std::string::npos)
        {
            ++(passes(name, body) ? passed : failed);
        }
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed > 0 || passed == 0 ? 1 : 0;
}
