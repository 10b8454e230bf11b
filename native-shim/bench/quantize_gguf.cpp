// Writes a GGUF with other weights: `quantize_gguf <in> <out> q4_0|q8_0`.
#include "llama_library.h"

#include <llama.h>

#include <filesystem>
#include <iostream>
#include <map>
#include <string>

namespace
{

std::map<std::string, llama_ftype> const kTypes{
    {"q4_0", LLAMA_FTYPE_MOSTLY_Q4_0},
    {"q8_0", LLAMA_FTYPE_MOSTLY_Q8_0},
};

int fail(std::string const& message)
{
    std::cerr << "quantize_gguf: " << message << '\n';
    return 1;
}

} // namespace

int main(int argc, char** argv)
{
    namespace fs = std::filesystem;
    auto const type = argc == 4 ? kTypes.find(argv[3]) : kTypes.end();
    if (type == kTypes.end())
    {
        std::cerr << "usage: quantize_gguf <input.gguf> <output.gguf> q4_0|q8_0\n";
        return 2;
    }
    fs::path const input = argv[1];
    fs::path const output = argv[2];
    if (!fs::is_regular_file(input))
    {
        return fail("there is no file " + input.string());
    }

    loadLlamaLibrary();
    auto params = llama_model_quantize_default_params();
    params.nthread = 2;
    params.ftype = type->second;
    params.allow_requantize = true;
    fs::path const unfinished = output.string() + ".unfinished";
    std::error_code ignored;
    // llama.cpp also throws, at a disk that is full for example.
    try
    {
        if (llama_model_quantize(input.c_str(), unfinished.c_str(), &params) != 0)
        {
            fs::remove(unfinished, ignored);
            return fail("llama.cpp cannot quantize " + input.string());
        }
        fs::rename(unfinished, output);
        return 0;
    }
    catch (std::exception const& error)
    {
        fs::remove(unfinished, ignored);
        return fail(error.what());
    }
}
