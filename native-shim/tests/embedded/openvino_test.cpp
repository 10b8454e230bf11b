// The OpenVINO side of the embedded executor, on a real model, against llama.cpp on the same file.
#include "check.h"
#include "load_model.h"
#include "runner_fixture.h"

#include <llama.h>

namespace
{

LoadedModel load(fs::path const& path, LoadOptions options = {})
{
    options.runner = LoadOptions::Runner::kOPENVINO;
    return loadModel(path, options, [](float) { return true; });
}

/// Keys and values unrounded: quantized ones depend on how many tokens of a block were stored at once.
std::shared_ptr<Model> exactModel()
{
    LoadOptions options;
    options.kvCachePrecision = "native";
    return load(modelFile(), options).model;
}

/// Logits of every token of a prompt.
std::vector<float> allLogits(Model& model, VecTokens const& prompt)
{
    auto const runner = model.createRunner(limits(1));
    BlockTable const blocks{0, 1};
    auto const count = static_cast<SizeType32>(prompt.size());
    runner->begin({1, blocks, 0, {}});
    std::vector<float> rows;
    runner->forward({{1, blocks, prompt.data(), count, 0, count}},
        [&](std::vector<ComputedPart> const& parts)
        {
            auto const* const logits = parts.front().logits;
            rows.assign(logits, logits + prompt.size() * static_cast<std::size_t>(runner->vocabularySize()));
        });
    return rows;
}

std::vector<float> row(std::vector<float> const& rows, std::size_t index, std::size_t count)
{
    auto const width = static_cast<std::ptrdiff_t>(rows.size() / count);
    auto const begin = rows.begin() + static_cast<std::ptrdiff_t>(index) * width;
    return {begin, begin + width};
}

} // namespace

TEST("what cannot be loaded is refused with what is wrong")
{
    Folder const folder;
    CHECK(failure([&] { load(folder.path / "absent.gguf"); }) == LoadError::Kind::kNOT_FOUND);
    CHECK(failure([&] { load(folder.path); }) == LoadError::Kind::kNOT_FOUND);
    CHECK(failure([&] { load(folder.write("text.gguf", "this is no model")); }) == LoadError::Kind::kCORRUPT);
    CHECK(failure([&] { load(folder.write("model.xml", "<net>")); }) == LoadError::Kind::kINCOMPATIBLE);
    fs::remove(folder.path / "text.gguf");
    folder.write("openvino_model.xml", "<net>");
    LoadOptions onLlama;
    onLlama.runner = LoadOptions::Runner::kLLAMA_CPP;
    CHECK(failure([&] { loadModel(folder.path, onLlama, [](float) { return true; }); })
        == LoadError::Kind::kINCOMPATIBLE);
}

TEST("a block of another size than 32 tokens, too long a context and another precision on llama.cpp are refused")
{
    LoadOptions options;
    options.tokensPerBlock = 64;
    CHECK_THROWS(load(modelFile(), options));
    options = {};
    options.maxSequenceTokens = 1'000'000;
    CHECK_THROWS(load(modelFile(), options));
    options = {};
    options.kvCachePrecision = "u8";
    options.runner = LoadOptions::Runner::kLLAMA_CPP;
    CHECK_THROWS(loadModel(modelFile(), options, [](float) { return true; }));
}

TEST("a load reports growing progress up to 1 and ends when told to")
{
    LoadOptions options;
    options.runner = LoadOptions::Runner::kOPENVINO;
    float last = 0;
    loadModel(modelFile(), options,
        [&](float fraction)
        {
            CHECK(fraction >= last);
            last = fraction;
            return true;
        });
    CHECK_EQ(last, 1.f);
    CHECK(failure([&] { loadModel(modelFile(), options, [](float fraction) { return fraction < 0.05f; }); })
        == LoadError::Kind::kABORTED);
}

TEST("a GGUF alone runs on llama.cpp unless OpenVINO is asked for, and describes itself alike on both")
{
    auto const automatic = loadModel(modelFile(), {}, [](float) { return true; });
    CHECK(dynamic_cast<LlamaModel*>(automatic.model.get()) != nullptr);
    auto const loaded = load(modelFile());
    CHECK(dynamic_cast<LlamaModel*>(loaded.model.get()) == nullptr);
    auto const& a = automatic.description;
    auto const& b = loaded.description;
    CHECK_EQ(b.name, a.name);
    CHECK_EQ(b.architecture, a.architecture);
    CHECK_EQ(b.vocabularySize, a.vocabularySize);
    CHECK(std::abs(static_cast<double>(b.parameterCount) / static_cast<double>(a.parameterCount) - 1) < 1e-3);
    CHECK_EQ(*loaded.model->limits().maxSequenceTokens, *automatic.model->limits().maxSequenceTokens);
    CHECK_EQ(llama_vocab_n_tokens(llama_model_get_vocab(loaded.vocabulary.get())), b.vocabularySize);
}

TEST("the logits of every token of a prompt are llama.cpp's but for rounding")
{
    auto const prompt = range(300, 40);
    auto const ours = allLogits(*exactModel(), prompt);
    auto const theirs = allLogits(*loadModel(modelFile(), {}, [](float) { return true; }).model, prompt);
    for (std::size_t i = 0; i < prompt.size(); ++i)
    {
        CHECK(alike(row(ours, i, prompt.size()), row(theirs, i, prompt.size())));
    }
    CHECK(!alike(row(ours, 3, prompt.size()), row(theirs, 4, prompt.size())));
}

TEST("a sequence that begins with another's blocks goes on as if it had computed them")
{
    for (auto const* const precision : {"native", "u8"})
    {
        LoadOptions options;
        options.kvCachePrecision = precision;
        auto const model = load(modelFile(), options).model;
        Sequences sequences(*model, 3);
        sequences.begin(1, {0, 1});
        sequences.lastLogits(1, range(100, 40), 0);
        sequences.lastLogits(1, range(500, 12), 40); // more than what is reused
        sequences.begin(2, {0, 2}, 40, 1);           // block 0 shared, of block 1 a part copied
        auto const reused = sequences.lastLogits(2, range(900, 6), 40);
        auto const first = sequences.lastLogits(1, range(700, 3), 52); // its own second block is as it was

        sequences.begin(3, {3, 4});
        sequences.lastLogits(3, range(100, 40), 0);
        CHECK(alike(sequences.lastLogits(3, range(900, 6), 40), reused));
        CHECK(!alike(first, reused));
    }
}

TEST("blocks outlive their sequence and come back from the host's pool as they were")
{
    auto const model = exactModel();
    Sequences sequences(*model, 2); // with 16 blocks, and as many on the host
    sequences.begin(1, {0, 1});
    sequences.lastLogits(1, range(100, 40), 0);
    auto const wanted = sequences.lastLogits(1, range(900, 6), 40);
    sequences.runner->end(1);

    sequences.runner->moveBlock(0, 20);
    sequences.begin(2, {0});
    sequences.lastLogits(2, range(300, 20), 0);
    sequences.runner->end(2);

    sequences.runner->moveBlock(20, 5);
    sequences.begin(3, {5, 1}, 40);
    CHECK(sequences.lastLogits(3, range(900, 6), 40) == wanted);
}

TEST("one step computes prompts and single tokens of several sequences, each with its own logits")
{
    auto const model = exactModel();
    Sequences sequences(*model, 3);
    sequences.begin(1, {0});
    sequences.begin(2, {1});
    sequences.begin(3, {2});
    sequences.lastLogits(1, range(100, 10), 0);
    sequences.lastLogits(3, range(300, 10), 0);

    VecTokens const seven{7};
    VecTokens const eight{8};
    auto const prompt = range(600, 9);
    auto unwanted = sequences.part(1, eight, 10);
    unwanted.wantedLogits = 0;
    auto const together
        = sequences.lastLogits({sequences.part(3, seven, 10), unwanted, sequences.part(2, prompt, 0)});
    CHECK(together[1].empty());

    auto const alone = [&](VecTokens const& tokens)
    {
        sequences.runner->end(2);
        sequences.begin(2, {3});
        return sequences.lastLogits(2, tokens, 0);
    };
    auto third = range(300, 10);
    third.push_back(7);
    CHECK(alike(together[0], alone(third)));
    CHECK(alike(together[2], alone(prompt)));
    auto first = range(100, 10);
    first.push_back(8);
    first.push_back(9);
    CHECK(alike(sequences.lastLogits(1, {9}, 11), alone(first))); // the unwanted token was stored
    CHECK(!alike(together[0], together[2]));
}
