#include "guided/guided_decoder.h"

#include "guided/work_limit.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

namespace
{

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kMaskLimit = 1s;
/// A mask this quick may be computed between two steps of the model.
constexpr auto kQuickMask = 1ms;
constexpr unsigned kMaxMaskThreads = 4;

} // namespace

GuidedSequence::GuidedSequence(GuidedDecoder& decoder, GuidedDecodingParams params)
    : mDecoder(decoder)
    , mParams(std::move(params))
    , mMask((static_cast<std::size_t>(decoder.mVocabularySize) + 31) / 32)
{
}

bool GuidedSequence::ready()
{
    return mState == State::kREADY || (mQuick && runIfQueued());
}

std::string const& GuidedSequence::failure() const
{
    return mFailure;
}

TokenMask const& GuidedSequence::mask() const
{
    return mMask;
}

bool GuidedSequence::isEnd(TokenIdType token) const
{
    auto const& ends = mMatcher->GetStopTokenIds();
    return std::find(ends.begin(), ends.end(), token) != ends.end();
}

void GuidedSequence::accept(TokenIdType token)
{
    mToken = token;
    mState = State::kQUEUED;
    mDecoder.put(mDecoder.mToCompute, weak_from_this());
}

void GuidedSequence::begin(xgrammar::CompiledGrammar const& grammar)
{
    mMatcher.emplace(grammar);
    fill();
    mState = State::kREADY;
}

bool GuidedSequence::runIfQueued()
{
    auto queued = State::kQUEUED;
    if (!mState.compare_exchange_strong(queued, State::kRUNNING))
    {
        return false;
    }
    try
    {
        WorkLimit const limit(kMaskLimit, mDecoder.mStop);
        auto const start = Clock::now();
        if (!mMatcher->AcceptToken(mToken))
        {
            throw GrammarError("token " + std::to_string(mToken) + " was chosen though the grammar forbids it");
        }
        fill();
        mQuick = Clock::now() - start < kQuickMask;
    }
    catch (std::exception const& error)
    {
        fail(error.what());
    }
    mState = State::kREADY;
    return true;
}

void GuidedSequence::fill()
{
    auto shape = static_cast<std::int64_t>(mMask.size());
    DLTensor tensor{mMask.data(), {kDLCPU, 0}, 1, {kDLInt, 32, 1}, &shape, nullptr, 0};
    mMatcher->FillNextTokenBitmask(&tensor);
    if (std::all_of(mMask.begin(), mMask.end(), [](std::uint32_t word) { return word == 0; }))
    {
        throw GrammarError("the grammar allows no token here");
    }
}

void GuidedSequence::fail(std::string reason)
{
    mFailure = "guided decoding: " + std::move(reason);
}

GuidedDecoder::GuidedDecoder(GuidedDecodingConfig config, SizeType32 vocabularySize, std::function<void()> onReady)
    : mConfig(std::move(config))
    , mVocabularySize(vocabularySize)
    , mOnReady(std::move(onReady))
{
    mThreads.emplace_back([this] { compileAll(); });
    auto const count = std::clamp(std::thread::hardware_concurrency() / 2, 1u, kMaxMaskThreads);
    for (unsigned i = 0; i < count; ++i)
    {
        mThreads.emplace_back([this] { computeMasks(); });
    }
}

GuidedDecoder::~GuidedDecoder()
{
    {
        std::lock_guard const lock(mMutex);
        mStop = true;
    }
    mToCompile.filled.notify_all();
    mToCompute.filled.notify_all();
    for (auto& thread : mThreads)
    {
        thread.join();
    }
}

std::shared_ptr<GuidedSequence> GuidedDecoder::begin(GuidedDecodingParams const& params)
{
    auto sequence = std::make_shared<GuidedSequence>(*this, params);
    put(mToCompile, sequence);
    return sequence;
}

void GuidedDecoder::put(Queue& queue, std::weak_ptr<GuidedSequence> sequence)
{
    std::lock_guard const lock(mMutex);
    queue.sequences.push_back(std::move(sequence));
    queue.filled.notify_one();
}

void GuidedDecoder::compileAll()
{
    while (auto const sequence = take(mToCompile))
    {
        compile(*sequence);
        mOnReady();
    }
}

void GuidedDecoder::compile(GuidedSequence& sequence)
{
    try
    {
        if (mCompiler == nullptr)
        {
            mCompiler = std::make_unique<GrammarCompiler>(mConfig, mVocabularySize);
        }
        auto const grammar = mCompiler->compile(sequence.mParams, mStop);
        WorkLimit const limit(kMaskLimit, mStop);
        sequence.begin(grammar);
    }
    catch (std::exception const& error)
    {
        sequence.fail(error.what());
        sequence.mState = GuidedSequence::State::kREADY;
    }
}

void GuidedDecoder::computeMasks()
{
    while (auto const sequence = take(mToCompute))
    {
        if (sequence->runIfQueued())
        {
            mOnReady();
        }
    }
}

std::shared_ptr<GuidedSequence> GuidedDecoder::take(Queue& queue)
{
    std::unique_lock lock(mMutex);
    while (true)
    {
        queue.filled.wait(lock, [&] { return mStop || !queue.sequences.empty(); });
        if (mStop)
        {
            return nullptr;
        }
        auto sequence = queue.sequences.front().lock();
        queue.sequences.erase(queue.sequences.begin());
        if (sequence != nullptr)
        {
            return sequence;
        }
    }
}

} // namespace tensorrt_llm::executor::embedded
