// Real models behind a ModelRunner, for the tests of each.
#pragma once

#include "check.h"
#include "load_error.h"
#include "model.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace fs = std::filesystem;
using namespace tensorrt_llm::executor;
using namespace embedded;

inline fs::path modelFile()
{
    auto const* const path = std::getenv("TRTLLM_TEST_MODEL");
    if (path == nullptr || !fs::exists(path))
    {
        throw std::runtime_error("TRTLLM_TEST_MODEL must name a GGUF; `npm run setup` fetches one");
    }
    return path;
}

/// A folder that is gone with the test.
class Folder
{
public:
    Folder()
        : path(fs::temp_directory_path() / ("runner-test-" + std::to_string(getpid())))
    {
        fs::create_directories(path);
    }

    ~Folder()
    {
        fs::remove_all(path);
    }

    fs::path write(std::string const& name, std::string const& content) const
    {
        std::ofstream(path / name, std::ios::binary) << content;
        return path / name;
    }

    fs::path const path;
};

inline LoadError::Kind failure(std::function<void()> const& attempt)
{
    try
    {
        attempt();
    }
    catch (LoadError const& error)
    {
        return error.kind();
    }
    throw check::Failure("nothing was refused");
}

inline Limits limits(SizeType32 slots)
{
    Limits limits;
    limits.maxBatchSize = slots;
    limits.maxNumTokens = 64;
    limits.maxSequenceTokens = 256;
    limits.kvBlocks = slots * 8;
    limits.hostKvBlocks = slots * 8;
    return limits;
}

/// A runner with sequences whose tables are made by hand.
class Sequences
{
public:
    Sequences(Model& model, SizeType32 slots)
        : runner(model.createRunner(limits(slots)))
    {
    }

    void begin(SequenceId id, BlockTable blocks, SizeType32 stored = 0, std::optional<BlockId> copyFrom = {})
    {
        auto const& kept = mTables[id] = std::move(blocks);
        runner->begin({id, kept, stored, copyFrom});
    }

    [[nodiscard]] SequenceStep part(SequenceId id, VecTokens const& tokens, SizeType32 position) const
    {
        return {id, mTables.at(id), tokens.data(), static_cast<SizeType32>(tokens.size()), position, 1};
    }

    std::vector<float> lastLogits(SequenceId id, VecTokens const& tokens, SizeType32 position)
    {
        return lastLogits({part(id, tokens, position)}).front();
    }

    /// Of each part of a step.
    std::vector<std::vector<float>> lastLogits(std::vector<SequenceStep> const& step)
    {
        std::vector<std::vector<float>> logits(step.size());
        runner->forward(step,
            [&](std::vector<ComputedPart> const& parts)
            {
                for (auto const& part : parts)
                {
                    CHECK(logits[part.index].empty());
                    if (part.logits != nullptr)
                    {
                        logits[part.index].assign(part.logits, part.logits + runner->vocabularySize());
                    }
                }
            });
        return logits;
    }

    std::unique_ptr<ModelRunner> const runner;

private:
    std::map<SequenceId, BlockTable> mTables;
};

/// The same but for rounding, which on a GPU depends on what else is in the step: on an H100 the logits of such a pair
/// were 2 % of their range apart in the mean, those of different sequences 15 %.
inline bool alike(std::vector<float> const& a, std::vector<float> const& b)
{
    auto const [least, most] = std::minmax_element(a.begin(), a.end());
    auto const apart = std::inner_product(
        a.begin(), a.end(), b.begin(), 0.0, std::plus<>(), [](float x, float y) { return std::abs(x - y); });
    return apart / static_cast<double>(a.size()) <= (*most - *least) * 0.05;
}

inline VecTokens range(SizeType32 first, SizeType32 count)
{
    VecTokens tokens;
    for (SizeType32 i = 0; i < count; ++i)
    {
        tokens.push_back(first + i);
    }
    return tokens;
}
