// The llama.cpp side of the embedded executor, on a real model.
#include "check.h"
#include "engine_directory.h"
#include "load_error.h"
#include "runner/llama_model.h"
#include "runner_fixture.h"
#include "sampling/sampler.h"

#include <llama.h>

#include <cmath>

namespace
{

std::shared_ptr<LlamaModel> load(fs::path const& path, LlamaOptions options = {})
{
    // llama.cpp comes prebuilt: ThreadSanitizer does not see the barriers between its own threads.
    options.threads = 1;
    return LlamaModel::load(path, options, [](float) { return true; });
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

TEST("a sequence that begins with another's blocks goes on as if it had computed them")
{
    auto const model = load(modelFile());
    Sequences sequences(*model, 3);
    sequences.begin(1, {0, 1});
    sequences.lastLogits(1, range(100, 40), 0);
    sequences.lastLogits(1, range(500, 12), 40); // more than what is reused
    sequences.begin(2, {0, 2}, 40, 1);           // block 0 whole, of block 1 a part
    auto const reused = sequences.lastLogits(2, range(900, 6), 40);

    sequences.begin(3, {3, 4});
    sequences.lastLogits(3, range(100, 40), 0);
    CHECK(sequences.lastLogits(3, range(900, 6), 40) == reused);
}

TEST("blocks outlive the slot they were computed in, until they are dropped")
{
    auto const model = load(modelFile());
    Sequences sequences(*model, 1);
    sequences.begin(1, {0, 1});
    sequences.lastLogits(1, range(100, 40), 0);
    auto const wanted = sequences.lastLogits(1, range(900, 6), 40);
    sequences.runner->end(1);

    sequences.begin(2, {2}); // takes the only slot
    sequences.lastLogits(2, range(300, 20), 0);
    sequences.runner->end(2);

    sequences.runner->moveBlock(0, 20); // to the host's pool and back into another block
    sequences.runner->moveBlock(20, 5);
    sequences.begin(3, {5, 1}, 40);
    CHECK(sequences.lastLogits(3, range(900, 6), 40) == wanted);
    sequences.runner->end(3);

    sequences.runner->dropBlock(5);
    CHECK_THROWS(sequences.begin(4, {5, 1}, 40));
}

TEST("one step computes prompts and single tokens of several sequences, each with its own logits")
{
    auto const model = load(modelFile());
    Sequences sequences(*model, 3);
    sequences.begin(1, {0});
    sequences.begin(2, {1});
    sequences.begin(3, {2});
    sequences.lastLogits(1, range(100, 10), 0);
    sequences.lastLogits(3, range(300, 10), 0);

    VecTokens const seven{7};
    VecTokens const eight{8};
    auto const prompt = range(600, 9);
    auto& runner = *sequences.runner;
    auto const together = sequences.lastLogits(
        {sequences.part(3, seven, 10), sequences.part(1, eight, 10), sequences.part(2, prompt, 0)});

    auto const alone = [&](VecTokens tokens)
    {
        runner.end(2);
        sequences.begin(2, {3});
        return sequences.lastLogits(2, tokens, 0);
    };
    auto first = range(300, 10);
    first.push_back(7);
    auto second = range(100, 10);
    second.push_back(8);
    CHECK(alike(together[0], alone(first)));
    CHECK(alike(together[1], alone(second)));
    CHECK(alike(together[2], alone(prompt)));
    CHECK(!alike(together[0], together[1]));
}

TEST("a step of sequences with others between changes neither")
{
    auto const model = load(modelFile());
    auto const lengthOf = [](SequenceId id) { return static_cast<SizeType32>(5 + 3 * id); };
    auto const first = [](SequenceId id) { return static_cast<TokenIdType>(100 * id); };
    auto const afterGaps = [&](std::vector<std::vector<SequenceId>> const& steps)
    {
        Sequences sequences(*model, 9);
        std::vector<VecTokens> tokens(10);
        for (SequenceId id = 1; id <= 8; ++id) // and one slot that nobody has used
        {
            sequences.begin(id, {static_cast<BlockId>(id), static_cast<BlockId>(id + 10)});
            sequences.lastLogits(id, range(first(id), lengthOf(id)), 0);
        }
        std::vector<std::vector<float>> logits;
        std::vector<SizeType32> positions(10);
        for (SequenceId id = 1; id <= 8; ++id)
        {
            positions[id] = lengthOf(id);
        }
        for (auto const& step : steps)
        {
            std::vector<SequenceStep> parts;
            std::vector<VecTokens> single(10);
            for (auto const id : step)
            {
                single[id] = {static_cast<TokenIdType>(7 * id + 1000)};
                parts.push_back(sequences.part(id, single[id], positions[id]++));
            }
            logits = sequences.lastLogits(parts);
        }
        return logits;
    };
    // Gaps of one, of two and of more slots, at whose sequences the last step looks.
    auto const withGaps = afterGaps({{1, 3, 6}, {1, 2, 8}, {1, 2, 3, 4, 5, 6, 7, 8}});
    auto const alone = afterGaps({{1}, {3}, {6}, {1}, {2}, {8}, {1, 2, 3, 4, 5, 6, 7, 8}});
    CHECK_EQ(withGaps.size(), std::size_t{8});
    for (std::size_t index = 0; index < 8; ++index)
    {
        CHECK(alike(withGaps[index], alone[index]));
    }
}

TEST("log-probabilities of a prompt are those of llama.cpp's own logits")
{
    auto const model = load(modelFile());
    auto const runner = model->createRunner(limits(1));
    auto const prompt = range(300, 40);
    BlockTable const blocks{0, 1};
    runner->begin({1, blocks, 0, {}});
    std::vector<float> rows;
    runner->forward({{1, blocks, prompt.data(), 40, 0, 40}},
        [&](std::vector<ComputedPart> const& parts)
        { rows.assign(parts.front().logits, parts.front().logits + 40 * runner->vocabularySize()); });

    std::unique_ptr<llama_model, decltype(&llama_model_free)> const raw(
        llama_model_load_from_file(modelFile().c_str(), llama_model_default_params()), llama_model_free);
    auto parameters = llama_context_default_params();
    parameters.n_ctx = 256;
    parameters.n_threads = parameters.n_threads_batch = 1; // as in load()
    std::unique_ptr<llama_context, decltype(&llama_free)> const context(
        llama_init_from_model(raw.get(), parameters), llama_free);
    auto batch = llama_batch_init(40, 0, 1);
    for (std::int32_t i = 0; i < 40; ++i)
    {
        batch.token[i] = prompt[static_cast<std::size_t>(i)];
        batch.pos[i] = i;
        batch.n_seq_id[i] = 1;
        batch.seq_id[i][0] = 0;
        batch.logits[i] = 1;
    }
    batch.n_tokens = 40;
    auto const status = llama_decode(context.get(), batch);
    llama_batch_free(batch);
    CHECK_EQ(status, 0);
    for (std::int32_t i = 0; i + 1 < 40; ++i)
    {
        auto const* const logits = llama_get_logits_ith(context.get(), i);
        double sum = 0;
        for (TokenIdType id = 0; id < runner->vocabularySize(); ++id)
        {
            sum += std::exp(static_cast<double>(logits[id]));
        }
        auto const next = prompt[static_cast<std::size_t>(i + 1)];
        auto const expected = logits[next] - std::log(sum);
        CHECK(std::abs(logProbability(&rows[static_cast<std::size_t>(i * runner->vocabularySize())], runner->vocabularySize(), next) - expected) < 1e-4);
    }
}
