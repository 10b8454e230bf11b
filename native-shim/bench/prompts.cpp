#include "prompts.h"

#include <cstdint>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace
{

// Control tokens sit at the start of a vocabulary; above this all are ordinary.
constexpr llama_token kFirstOrdinary = 1000;

void appendTokens(Tokens& prompt, std::size_t count, std::uint32_t seed, llama_token vocabularySize)
{
    auto const ordinary = static_cast<std::uint32_t>(vocabularySize - kFirstOrdinary);
    auto state = seed;
    for (std::size_t i = 0; i < count; ++i)
    {
        state = state * 1664525U + 1013904223U; // Numerical Recipes' generator; its low bits are poor
        prompt.push_back(kFirstOrdinary + static_cast<llama_token>((state >> 8U) % ordinary));
    }
}

} // namespace

std::vector<Tokens> makePrompts(
    std::size_t requests, std::size_t sharedPrefix, std::size_t promptTokens, llama_token vocabularySize)
{
    if (vocabularySize <= kFirstOrdinary)
    {
        throw std::runtime_error("the vocabulary has " + std::to_string(vocabularySize) + " tokens; more than "
            + std::to_string(kFirstOrdinary) + " are needed");
    }
    std::vector<Tokens> prompts(requests);
    for (std::size_t i = 0; i < requests; ++i)
    {
        appendTokens(prompts[i], sharedPrefix, 0, vocabularySize);
        appendTokens(prompts[i], promptTokens, static_cast<std::uint32_t>(i) + 1, vocabularySize);
    }
    return prompts;
}

std::vector<Tokens> readPrompts(std::string const& path, llama_token vocabularySize)
{
    std::ifstream file(path);
    if (!file)
    {
        throw std::runtime_error("cannot read " + path);
    }
    std::vector<Tokens> prompts;
    for (std::string line; std::getline(file, line);)
    {
        std::istringstream words(line);
        Tokens prompt;
        for (llama_token id = 0; words >> id;)
        {
            if (id < 0 || id >= vocabularySize)
            {
                throw std::runtime_error(path + ", line " + std::to_string(prompts.size() + 1) + ": token "
                    + std::to_string(id) + " is outside the vocabulary (0 to " + std::to_string(vocabularySize - 1)
                    + ")");
            }
            prompt.push_back(id);
        }
        if (!words.eof() || prompt.empty())
        {
            throw std::runtime_error(
                path + ", line " + std::to_string(prompts.size() + 1) + ": expected token ids separated by spaces");
        }
        prompts.push_back(std::move(prompt));
    }
    return prompts;
}
