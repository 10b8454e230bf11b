// Guided decoding: a grammar says which tokens may come next. Grammars are compiled on one thread, masks computed on
// others while the model runs; the executor's loop never waits for either.
#pragma once

#include "guided/grammar_compiler.h"
#include "sampling/sampler.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tensorrt_llm::executor::embedded
{

class GuidedDecoder;

/// Where one sequence stands in its grammar. For the executor's loop.
class GuidedSequence : public std::enable_shared_from_this<GuidedSequence>
{
public:
    GuidedSequence(GuidedDecoder& decoder, GuidedDecodingParams params);

    /// Whether the mask of the next token is there, or the request has failed. Does not wait; computes the mask here
    /// where nobody has begun and the last one was quick.
    [[nodiscard]] bool ready();
    /// Why the request has to end; empty where it need not. Read when ready.
    [[nodiscard]] std::string const& failure() const;
    /// Read when ready.
    [[nodiscard]] TokenMask const& mask() const;
    /// Whether this token says that the text is complete.
    [[nodiscard]] bool isEnd(TokenIdType token) const;
    /// The next token, which the mask allowed and which is no end: the mask after it is computed from now on.
    void accept(TokenIdType token);

private:
    friend class GuidedDecoder;

    enum class State
    {
        kCOMPILING,
        kQUEUED,
        kRUNNING,
        kREADY
    };

    void begin(xgrammar::CompiledGrammar const& grammar);
    /// Takes the work if nobody has.
    bool runIfQueued();
    void fill();
    void fail(std::string reason);

    GuidedDecoder& mDecoder;
    GuidedDecodingParams mParams;
    std::atomic<State> mState{State::kCOMPILING};
    // Below: of the loop in kREADY, of whoever runs it else.
    std::optional<xgrammar::GrammarMatcher> mMatcher;
    TokenMask mMask;
    std::string mFailure;
    TokenIdType mToken{0};
    std::atomic<bool> mQuick{false};
};

class GuidedDecoder
{
public:
    /// onReady: called on a thread of this object when a sequence turns ready.
    GuidedDecoder(GuidedDecodingConfig config, SizeType32 vocabularySize, std::function<void()> onReady);
    ~GuidedDecoder();
    GuidedDecoder(GuidedDecoder const&) = delete;
    GuidedDecoder& operator=(GuidedDecoder const&) = delete;

    /// Begins to compile. A sequence that nobody holds any more is forgotten.
    [[nodiscard]] std::shared_ptr<GuidedSequence> begin(GuidedDecodingParams const& params);

private:
    friend class GuidedSequence;

    struct Queue
    {
        std::vector<std::weak_ptr<GuidedSequence>> sequences;
        std::condition_variable filled;
    };

    void put(Queue& queue, std::weak_ptr<GuidedSequence> sequence);
    void compileAll();
    void compile(GuidedSequence& sequence);
    void computeMasks();
    /// The oldest of a queue; null when stopping.
    std::shared_ptr<GuidedSequence> take(Queue& queue);

    GuidedDecodingConfig const mConfig;
    SizeType32 const mVocabularySize;
    std::function<void()> const mOnReady;
    std::unique_ptr<GrammarCompiler> mCompiler; // of the compiling thread, made with the first grammar

    std::mutex mMutex;
    Queue mToCompile;
    Queue mToCompute;
    std::atomic<bool> mStop{false};
    std::vector<std::thread> mThreads; // last: everything above exists when they start
};

} // namespace tensorrt_llm::executor::embedded
