#include "check.h"
#include "sampling/beam_search.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

namespace
{

using namespace tensorrt_llm::executor;
using embedded::BeamSearch;
using embedded::BeamSearchConfig;

using Logits = std::vector<float>;
/// The logits after a sequence.
using LanguageModel = std::function<Logits(VecTokens const&)>;

/// The search after its last step.
BeamSearch run(BeamSearchConfig const& config, VecTokens const& prompt, LanguageModel const& model)
{
    BeamSearch search(config, prompt);
    for (SizeType32 step = 0; step < config.maxTokens && !search.done(); ++step)
    {
        std::vector<Logits> rows;
        for (auto const& beam : search.beams())
        {
            rows.push_back(model(beam.tokens));
        }
        std::vector<float const*> pointers;
        for (auto const& row : rows)
        {
            pointers.push_back(row.data());
        }
        auto const before = search.beams();
        auto const parents = search.advance(pointers, static_cast<SizeType32>(rows.front().size()));
        CHECK_EQ(parents.size(), search.beams().size());
        for (std::size_t beam = 0; beam < parents.size(); ++beam)
        {
            auto tokens = search.beams()[beam].tokens;
            tokens.pop_back();
            CHECK(tokens == before.at(static_cast<std::size_t>(parents[beam])).tokens);
        }
    }
    return search;
}

std::vector<BeamSearch::Answer> search(
    BeamSearchConfig const& config, VecTokens const& prompt, LanguageModel const& model)
{
    return run(config, prompt, model).answers(FinishReason::kLENGTH);
}

std::vector<double> logSoftmax(Logits const& logits, double temperature = 1)
{
    double sum = 0;
    for (auto const logit : logits)
    {
        sum += std::exp(logit / temperature);
    }
    std::vector<double> result;
    for (auto const logit : logits)
    {
        result.push_back(logit / temperature - std::log(sum));
    }
    return result;
}

/// Logits that are a hash of the sequence.
LanguageModel hashModel(unsigned seed, std::size_t vocabulary)
{
    return [=](VecTokens const& tokens)
    {
        auto hash = seed;
        for (auto const token : tokens)
        {
            hash = (hash ^ static_cast<unsigned>(token + 1)) * 16777619u;
        }
        std::mt19937 random(hash);
        Logits logits(vocabulary);
        std::generate(logits.begin(), logits.end(), [&] { return static_cast<float>(random() % 4096) / 1024.f; });
        return logits;
    };
}

struct Expected
{
    double score;
    VecTokens tokens;
};

/// Every answer there is, best first.
std::vector<Expected> exhaustive(BeamSearchConfig const& config, VecTokens const& prompt, LanguageModel const& model)
{
    std::vector<Expected> all;
    auto const afterPrompt = [&](VecTokens const& tokens)
    { return VecTokens(tokens.begin() + static_cast<std::ptrdiff_t>(prompt.size()), tokens.end()); };
    std::function<void(VecTokens const&, double)> const visit = [&](VecTokens const& tokens, double sum)
    {
        auto const generated = tokens.size() - prompt.size();
        auto const score = [&](double value, std::size_t length)
        { return value / std::pow(static_cast<double>(length), config.lengthPenalty); };
        if (generated == static_cast<std::size_t>(config.maxTokens))
        {
            all.push_back({score(sum, generated), afterPrompt(tokens)});
            return;
        }
        auto const logProbs = logSoftmax(model(tokens), config.temperature);
        for (std::size_t token = 0; token < logProbs.size(); ++token)
        {
            if (static_cast<TokenIdType>(token) == config.endId)
            {
                all.push_back({score(sum + logProbs[token], generated + 1), afterPrompt(tokens)});
                continue;
            }
            auto longer = tokens;
            longer.push_back(static_cast<TokenIdType>(token));
            visit(longer, sum + logProbs[token]);
        }
    };
    visit(prompt, 0);
    std::stable_sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.score > b.score; });
    return all;
}

struct Case
{
    unsigned seed;
    SizeType32 width;
    SizeType32 maxTokens;
    SizeType32 earlyStopping;
    float lengthPenalty;
    std::vector<Expected> answers;
};

std::vector<Case> const kHuggingFace{
#include "beam_search_cases.h"
};

/// As beam_search_cases.py makes it.
LanguageModel bigramModel(unsigned seed)
{
    return [seed](VecTokens const& tokens)
    {
        auto const token = static_cast<unsigned>(tokens.back());
        auto const position = static_cast<unsigned>(tokens.size() - 1);
        Logits logits;
        for (unsigned next = 0; next < 9; ++next)
        {
            auto const mixed = token * 37 + next * 101 + token * next * 13 + seed * (29 + token * 7 + next * 11);
            logits.push_back(static_cast<float>((mixed + position * (17 + next * 5)) % 97) / 16.f);
        }
        return logits;
    };
}

VecTokens answerOf(BeamSearch::Answer const& answer, std::size_t promptLength)
{
    auto const& tokens = answer.beam.tokens;
    return {tokens.begin() + static_cast<std::ptrdiff_t>(promptLength), tokens.end()};
}

} // namespace

TEST("a search that prunes nothing finds the best of all answers, in order")
{
    for (unsigned seed = 0; seed < 20; ++seed)
    {
        BeamSearchConfig config;
        config.width = 300; // 4 + 3 * 4 + 9 * 4 + 27 * 4 + 81 * 3 answers at most
        config.maxTokens = 4;
        config.endId = 2;
        config.lengthPenalty = static_cast<float>(seed % 3) * 0.75f;
        config.earlyStopping = seed % 2 == 0 ? 0 : 2;
        config.temperature = seed % 4 == 3 ? 1.7f : 1.f;
        VecTokens const prompt{7, 5};
        auto const model = hashModel(seed, 4);
        auto const answers = search(config, prompt, model);
        auto const expected = exhaustive(config, prompt, model);
        CHECK(answers.size() <= expected.size());
        CHECK(answers.size() >= 81); // those that run until maxTokens are among them
        for (std::size_t i = 0; i < 40; ++i)
        {
            CHECK(answerOf(answers[i], 2) == expected[i].tokens);
            CHECK(std::abs(answers[i].score - expected[i].score) < 1e-5);
        }
    }
}

TEST("answers and scores are those of Hugging Face's beam search")
{
    std::size_t compared = 0;
    for (auto const& each : kHuggingFace)
    {
        BeamSearchConfig config;
        config.width = each.width;
        config.maxTokens = each.maxTokens;
        config.endId = 0;
        config.lengthPenalty = each.lengthPenalty;
        config.earlyStopping = each.earlyStopping;
        auto const finished = run(config, {3}, bigramModel(each.seed));
        if (finished.done() && !finished.beams().empty()
            && static_cast<SizeType32>(finished.beams().front().tokens.size()) == 1 + config.maxTokens)
        {
            continue; // done in the last step: Hugging Face still counts what runs there, TensorRT-LLM does not
        }
        ++compared;
        auto const answers = finished.answers(FinishReason::kLENGTH);
        CHECK_EQ(answers.size(), each.answers.size());
        for (std::size_t i = 0; i < answers.size(); ++i)
        {
            CHECK(std::abs(answers[i].score - each.answers[i].score) < 1e-4);
            CHECK(answerOf(answers[i], 1) == each.answers[i].tokens);
        }
    }
    CHECK(compared > 80);
}

TEST("log-probabilities of an answer are those of its tokens, with the end token in their sum alone")
{
    BeamSearchConfig config;
    config.width = 3;
    config.maxTokens = 6;
    config.endId = 1;
    for (unsigned seed = 0; seed < 30; ++seed)
    {
        auto const model = hashModel(seed, 6);
        for (auto const& answer : search(config, {4}, model))
        {
            VecTokens tokens{4};
            double sum = 0;
            auto const given = answerOf(answer, 1);
            CHECK_EQ(given.size(), answer.beam.logProbs.size());
            for (std::size_t i = 0; i < given.size(); ++i)
            {
                auto const logProb = logSoftmax(model(tokens))[static_cast<std::size_t>(given[i])];
                CHECK(std::abs(logProb - answer.beam.logProbs[i]) < 1e-5);
                sum += logProb;
                tokens.push_back(given[i]);
            }
            sum += answer.reason == FinishReason::kEND_ID ? logSoftmax(model(tokens))[1] : 0;
            CHECK(std::abs(sum - answer.beam.cumLogProb) < 1e-5);
        }
    }
}

TEST("a beam that completes a stop word is an answer with the word at its end, also where it began in the prompt")
{
    // After 5 come 1 and 2, after 1 comes 2: "5 1" begins in the prompt.
    LanguageModel const model = [](VecTokens const& tokens)
    { return tokens.back() == 5 ? Logits{0, 4, 3, 0} : Logits{0, 0, 4, 1}; };
    BeamSearchConfig config;
    config.width = 2;
    config.maxTokens = 5;
    config.stopWords = {{5, 1}, {2, 2, 2}, {}};
    auto const answers = search(config, {9, 5}, model);
    CHECK_EQ(answers.size(), 2);
    CHECK(answerOf(answers[0], 2) == VecTokens({1}));
    CHECK(answerOf(answers[1], 2) == VecTokens({2, 2, 2}));
    CHECK_EQ(answers[0].reason, FinishReason::kSTOP_WORDS);
    CHECK_EQ(answers[1].reason, FinishReason::kSTOP_WORDS);
}

TEST("a diversity rate prefers candidates of later beams and leaves the scores alone")
{
    auto const model = hashModel(3, 5);
    BeamSearchConfig config;
    config.width = 3;
    config.maxTokens = 3;
    auto const plain = search(config, {1}, model);
    config.diversityRate = 100.f;
    auto const diverse = search(config, {1}, model);
    // The last beam's candidates beat all others: from the second step on every beam is its child.
    for (auto const& answer : diverse)
    {
        CHECK_EQ(answer.beam.tokens[1], diverse.front().beam.tokens[1]);
        VecTokens tokens{1};
        double sum = 0;
        for (auto const token : answerOf(answer, 1))
        {
            sum += logSoftmax(model(tokens))[static_cast<std::size_t>(token)];
            tokens.push_back(token);
        }
        CHECK(std::abs(answer.score - sum) < 1e-5);
    }
    CHECK(plain.front().score > diverse.front().score);
}

TEST("banned tokens continue no beam, and a search without continuations is done")
{
    LanguageModel const model = [](VecTokens const& tokens)
    { return tokens.size() < 3 ? Logits{-INFINITY, 1, -INFINITY} : Logits(3, -INFINITY); };
    BeamSearchConfig config;
    config.width = 4;
    config.maxTokens = 9;
    BeamSearch beams(config, {0});
    auto const row = model({0});
    CHECK(beams.advance({row.data()}, 3) == std::vector<SizeType32>{0});
    CHECK(!beams.done());
    CHECK(beams.beams().front().tokens == VecTokens({0, 1}));
    auto const answers = search(config, {0}, model);
    CHECK_EQ(answers.size(), 1);
    CHECK(answerOf(answers.front(), 1) == VecTokens({1, 1}));
}
