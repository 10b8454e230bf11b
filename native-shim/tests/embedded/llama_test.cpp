// The llama.cpp side of the embedded executor, on a real model.
#include "check.h"
#include "engine_directory.h"
#include "load_error.h"
#include "runner/llama_model.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <unistd.h>
#include <vector>

namespace
{

namespace fs = std::filesystem;
using namespace tensorrt_llm::executor;
using namespace embedded;

fs::path modelFile()
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
        : path(fs::temp_directory_path() / ("llama-test-" + std::to_string(getpid())))
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

std::shared_ptr<LlamaModel> load(fs::path const& path, LlamaOptions options = {})
{
    // llama.cpp comes prebuilt: ThreadSanitizer does not see the barriers between its own threads.
    options.threads = 1;
    return LlamaModel::load(path, options, [](float) { return true; });
}

LoadError::Kind failure(std::function<void()> const& attempt)
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

Limits limits(SizeType32 slots)
{
    return {slots, 64, 256, 32, slots * 8, 16, true};
}

std::vector<StepToken> piece(VecTokens const& tokens, SizeType32 position, Slot slot)
{
    std::vector<StepToken> step;
    for (std::size_t i = 0; i < tokens.size(); ++i)
    {
        step.push_back({tokens[i], position + static_cast<SizeType32>(i), slot, i + 1 == tokens.size()});
    }
    return step;
}

std::vector<float> lastLogits(ModelRunner& runner, std::vector<StepToken> const& step)
{
    runner.forward(step);
    auto const* const logits = runner.logits(step.size() - 1);
    return {logits, logits + runner.vocabularySize()};
}

VecTokens range(SizeType32 first, SizeType32 count)
{
    VecTokens tokens;
    for (SizeType32 i = 0; i < count; ++i)
    {
        tokens.push_back(first + i);
    }
    return tokens;
}

} // namespace

TEST("a missing file, an empty directory and a TensorRT engine are told apart")
{
    Folder const folder;
    CHECK(failure([&] { load(folder.path / "absent.gguf"); }) == LoadError::Kind::kNOT_FOUND);
    CHECK(failure([&] { load(folder.path); }) == LoadError::Kind::kNOT_FOUND);
    folder.write("rank0.engine", "plan");
    CHECK(failure([&] { load(folder.path); }) == LoadError::Kind::kINCOMPATIBLE);
}

TEST("a file that is no model, a damaged header and a file cut short are corrupt")
{
    Folder const folder;
    CHECK(failure([&] { load(folder.write("text.gguf", "this is no model")); }) == LoadError::Kind::kCORRUPT);
    CHECK(failure([&] { load(folder.write("empty.gguf", "")); }) == LoadError::Kind::kCORRUPT);
    CHECK(failure([&] { load(folder.write("header.gguf", "GGUF\3")); }) == LoadError::Kind::kCORRUPT);

    auto const cut = folder.path / "cut.gguf";
    fs::copy_file(modelFile(), cut);
    for (auto const size : {fs::file_size(cut) - 1, fs::file_size(cut) / 2, std::uintmax_t{4096}})
    {
        fs::resize_file(cut, size);
        CHECK(failure([&] { load(cut); }) == LoadError::Kind::kCORRUPT);
    }
}

TEST("a load reports growing progress up to 1 and ends when told to")
{
    float last = 0;
    LlamaModel::load(modelFile(), {},
        [&](float fraction)
        {
            CHECK(fraction >= last);
            last = fraction;
            return true;
        });
    CHECK_EQ(last, 1.f);
    CHECK(failure([] { LlamaModel::load(modelFile(), {}, [](float fraction) { return fraction < 0.5f; }); })
        == LoadError::Kind::kABORTED);
}

TEST("an engine directory sets the limits that its config.json names")
{
    Folder const folder;
    fs::create_symlink(modelFile(), folder.path / "model.gguf");
    folder.write("config.json",
        R"({"build_config": {"max_batch_size": 3, "max_seq_len": 128, "max_num_tokens": 0,
            "plugin_config": {"tokens_per_block": 64}}})");
    auto const files = findEngineFiles(folder.path);
    CHECK_EQ(*files.limits.maxBatchSize, 3);
    CHECK_EQ(*files.limits.maxSequenceTokens, 128);
    CHECK_EQ(*files.limits.tokensPerBlock, 64);
    CHECK(!files.limits.maxNumTokens);

    ExecutorConfig config;
    config.setMaxBatchSize(4);
    CHECK_THROWS(resolveLimits(files.limits, config)); // more than the engine was built for
    folder.write("config.json", "[1, 2");
    CHECK(failure([&] { findEngineFiles(folder.path); }) == LoadError::Kind::kCORRUPT);
    folder.write("config.json", R"({"build_config": {"max_seq_len": -5}})");
    CHECK(failure([&] { findEngineFiles(folder.path); }) == LoadError::Kind::kCORRUPT);
}

TEST("a context longer than the model was trained for is refused")
{
    LlamaOptions options;
    options.maxSequenceTokens = 1'000'000;
    CHECK_THROWS(load(modelFile(), options));
}

TEST("a copied beginning goes on as if it had been computed in its slot")
{
    auto const model = load(modelFile());
    auto const runner = model->createRunner(limits(3));
    runner->forward(piece(range(100, 40), 0, 0));
    runner->forward(piece(range(500, 12), 40, 0)); // more than what is copied
    runner->copyPrefix(0, 2, 40);
    auto const copied = lastLogits(*runner, piece(range(900, 6), 40, 2));

    runner->truncate(1, 0);
    runner->forward(piece(range(100, 40), 0, 1));
    CHECK(lastLogits(*runner, piece(range(900, 6), 40, 1)) == copied);
}

TEST("a slot cut back goes on from there")
{
    auto const model = load(modelFile());
    auto const runner = model->createRunner(limits(1));
    runner->forward(piece(range(100, 20), 0, 0));
    auto const before = lastLogits(*runner, piece(range(700, 4), 20, 0));
    runner->truncate(0, 20);
    CHECK(lastLogits(*runner, piece(range(700, 4), 20, 0)) == before);
}

TEST("one step computes prompts and single tokens of several slots, each with its own logits")
{
    auto const model = load(modelFile());
    auto const runner = model->createRunner(limits(3));
    runner->forward(piece(range(100, 10), 0, 0));
    runner->forward(piece(range(300, 10), 0, 2));

    std::vector<StepToken> step{{7, 10, 2, true}, {8, 10, 0, true}};
    auto const prompt = piece(range(600, 9), 0, 1);
    step.insert(step.end(), prompt.begin(), prompt.end());
    runner->forward(step);
    std::vector<VecTokens::size_type> const wanted{0, 1, step.size() - 1};
    std::vector<TokenIdType> best;
    for (auto const index : wanted)
    {
        auto const* const logits = runner->logits(index);
        best.push_back(
            static_cast<TokenIdType>(std::max_element(logits, logits + runner->vocabularySize()) - logits));
    }

    auto const alone = [&](VecTokens tokens)
    {
        runner->truncate(1, 0);
        auto const logits = lastLogits(*runner, piece(tokens, 0, 1));
        return static_cast<TokenIdType>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    };
    auto first = range(300, 10);
    first.push_back(7);
    auto second = range(100, 10);
    second.push_back(8);
    CHECK_EQ(best[0], alone(first));
    CHECK_EQ(best[1], alone(second));
    CHECK_EQ(best[2], alone(range(600, 9)));
}
