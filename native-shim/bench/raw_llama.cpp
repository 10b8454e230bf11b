// llama.cpp alone, driven by the obvious loop: the measure of throughput, and of greedy output.
#include "greedy_decoder.h"
#include "llama_library.h"
#include "options.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iostream>
#include <numeric>

namespace
{

char const* const kUsage = R"(usage: raw_llama --model FILE --new-tokens G [options] PROMPTS

Measure: all requests at once, end tokens ignored; prints JSON, times in seconds.
  --requests N --prompt-tokens P   N made-up prompts of P tokens
  --shared-prefix S                with S equal tokens before each (default 0)
  --repeat R                       runs, after one that warms up (default 1)
  --print-tokens 1                 with the generated token ids
Greedy output: each prompt alone, up to an end token; prints token ids, one answer a line.
  --prompts-file FILE              one prompt a line: token ids separated by spaces
Options:
  --lora FILE   a LoRA adapter, GGUF
  --threads T (2)  --batch B (2048)  --ubatch U (512)  --unified 0|1 (0)  --flash-attn 0|1 (1)
)";

constexpr int kManyTokens = 1'000'000;

DecoderSettings settingsFrom(Options const& options)
{
    DecoderSettings settings{};
    settings.model = options.text("--model");
    settings.threads = static_cast<std::uint32_t>(options.number("--threads", 2, 1, 1024));
    settings.batch = static_cast<std::uint32_t>(options.number("--batch", 2048, 1, kManyTokens));
    settings.ubatch = static_cast<std::uint32_t>(options.number("--ubatch", 512, 1, kManyTokens));
    settings.unified = options.number("--unified", 0, 0, 1) == 1;
    settings.lora = options.has("--lora") ? options.text("--lora") : "";
    settings.flashAttention = options.number("--flash-attn", 1, 0, 1) == 1;
    return settings;
}

void printGreedyOutput(
    std::shared_ptr<llama_model> const& model, DecoderSettings settings, Options const& options, int newTokens)
{
    auto const vocabularySize = llama_vocab_n_tokens(llama_model_get_vocab(model.get()));
    auto const prompts = readPrompts(options.text("--prompts-file"), vocabularySize);
    std::size_t longest = 0;
    for (auto const& prompt : prompts)
    {
        longest = std::max(longest, prompt.size());
    }
    settings.sequences = 1;
    settings.sequenceTokens = static_cast<std::uint32_t>(longest) + static_cast<std::uint32_t>(newTokens);
    GreedyDecoder decoder(model, settings);
    for (auto const& prompt : prompts)
    {
        auto const decoded = decoder.decode({prompt}, static_cast<std::size_t>(newTokens), true);
        auto const* separator = "";
        for (auto const token : decoded.tokens.front())
        {
            std::cout << separator << token;
            separator = " ";
        }
        std::cout << '\n';
    }
}

void measure(
    std::shared_ptr<llama_model> const& model, DecoderSettings settings, Options const& options, int newTokens)
{
    auto const vocabularySize = llama_vocab_n_tokens(llama_model_get_vocab(model.get()));
    auto const requests = options.number("--requests", 1, 1, static_cast<int>(llama_max_parallel_sequences()));
    auto const promptTokens = options.number("--prompt-tokens", 128, 1, kManyTokens);
    auto const sharedPrefix = options.number("--shared-prefix", 0, 0, kManyTokens);
    auto const repeat = options.number("--repeat", 1, 1, 1000);
    auto const prompts = makePrompts(static_cast<std::size_t>(requests), static_cast<std::size_t>(sharedPrefix),
        static_cast<std::size_t>(promptTokens), vocabularySize);
    settings.sequences = static_cast<std::uint32_t>(requests);
    settings.sequenceTokens = static_cast<std::uint32_t>(sharedPrefix + promptTokens + newTokens);

    GreedyDecoder decoder(model, settings);
    decoder.decode(prompts, 2, false);
    auto runs = nlohmann::json::array();
    for (int i = 0; i < repeat; ++i)
    {
        auto const decoded = decoder.decode(prompts, static_cast<std::size_t>(newTokens), false);
        auto const& timings = decoded.timings;
        auto const sum = std::accumulate(timings.firstToken.begin(), timings.firstToken.end(), 0.0);
        nlohmann::json run{{"seconds", timings.total}, {"prefillSeconds", timings.prefill},
            {"decodeSeconds", timings.total - timings.prefill},
            {"tokensPerSecond", requests * newTokens / timings.total},
            {"meanTimeToFirstTokenSeconds", sum / requests}, {"timeToFirstTokenSeconds", timings.firstToken}};
        if (options.number("--print-tokens", 0, 0, 1) == 1)
        {
            run["tokens"] = decoded.tokens;
        }
        runs.push_back(std::move(run));
    }
    auto const device = computingDevice();
    std::cout << nlohmann::json{{"llamaCppVersion", llama_version()},
        {"device", {{"name", device.name}, {"type", device.isGpu ? "GPU" : "CPU"}}}, {"runs", runs}}
                     .dump() << '\n';
}

} // namespace

int main(int argc, char** argv)
{
    try
    {
        Options const options(argc, argv,
            {"--model", "--requests", "--prompt-tokens", "--new-tokens", "--shared-prefix", "--repeat",
                "--print-tokens", "--prompts-file", "--threads", "--batch", "--ubatch", "--unified", "--flash-attn",
                "--lora"});
        auto const settings = settingsFrom(options);
        auto const newTokens = options.number("--new-tokens", 64, 1, kManyTokens);
        loadLlamaLibrary();
        auto const model = loadModel(settings.model);
        auto const run = options.has("--prompts-file") ? printGreedyOutput : measure;
        run(model, settings, options, newTokens);
        return 0;
    }
    catch (UsageError const& error)
    {
        std::cerr << "raw_llama: " << error.what() << "\n\n" << kUsage;
        return 2;
    }
    catch (std::exception const& error)
    {
        std::cerr << "raw_llama: " << error.what() << '\n';
        return 1;
    }
}
