// How many tokens are worth guessing next.
#pragma once

#include "tensorrt_llm/executor/types.h"

#include <algorithm>

namespace tensorrt_llm::executor::embedded
{

/// A wrong guess costs a part of a step, so a draft is as long as the last ones were right: wholly right makes it
/// twice as long and one more, wholly wrong half as long, and at 0 nothing is guessed for a while.
class DraftLength
{
public:
    /// Of the next draft; called once a step in which there could be one.
    [[nodiscard]] SizeType32 next()
    {
        if (mPause > 0)
        {
            --mPause;
            return 0;
        }
        return std::max(mLength, 1);
    }

    void settle(SizeType32 drafted, SizeType32 accepted)
    {
        if (accepted == drafted)
        {
            mLength = std::max(mLength, 2 * drafted + 1);
            mNextPause = kFirstPause;
        }
        else if (accepted == 0)
        {
            mLength = drafted / 2;
            if (mLength == 0)
            {
                mPause = mNextPause;
                mNextPause = std::min(2 * mNextPause, kLongestPause);
            }
        }
    }

private:
    // Measured on two CPU cores; 4, 8 and 16 tokens at once are what llama.cpp's kernels are best at.
    static constexpr SizeType32 kFirstLength = 3;
    static constexpr SizeType32 kFirstPause = 16;
    static constexpr SizeType32 kLongestPause = 128;

    SizeType32 mLength{kFirstLength}; // may exceed what anybody allows
    SizeType32 mPause{0};
    SizeType32 mNextPause{kFirstPause};
};

} // namespace tensorrt_llm::executor::embedded
