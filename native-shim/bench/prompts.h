#pragma once

#include <llama.h>

#include <cstddef>
#include <string>
#include <vector>

using Tokens = std::vector<llama_token>;

/// Prompts that every peer of the benchmark makes the same way (test/bench/prompts.ts): `sharedPrefix` tokens that
/// are equal in all, then `promptTokens` that differ.
std::vector<Tokens> makePrompts(
    std::size_t requests, std::size_t sharedPrefix, std::size_t promptTokens, llama_token vocabularySize);

/// One prompt a line: token ids, separated by spaces.
std::vector<Tokens> readPrompts(std::string const& path, llama_token vocabularySize);
