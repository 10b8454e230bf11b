// What the scripted executor does: invents tokens, and misbehaves on demand.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace scripted
{

/// First tokens of a prompt that ask for something special. Any other prompt p is answered with
/// p[0] + 1, p[0] + 2, ... up to maxTokens tokens, one each step.
enum Prompt : std::int32_t
{
    kERROR = 900,        // an error response after the first token
    kENDLESS,            // a token each step until it is cancelled
    kDEAF,               // as kENDLESS, and ignores being cancelled
    kEMPTY_FINAL,        // a final response with a reason and nothing else
    kNO_REASON,          // a final response without finish reason
    kODD_SHAPES,         // no sequences, an empty sequence, missing log-probs, negative counts
    kTOKENS_IN_FINAL,    // every token comes with the final response
    kTALKS_ON,           // responses after the final one
    kSTRANGER,           // responses for an id that nobody has
    kANSWER_FIRST,       // the whole answer is ready before enqueueRequest returns
    kBREAK_ENQUEUE,      // enqueueRequest throws
    kBREAK_ENQUEUE_ODDLY, // enqueueRequest throws something that is no std::exception
    kBREAK_AWAIT,        // awaitResponses throws from now on
    kPARAMETERS,         // answers with what arrived: see parameters() in answers.cpp
};

/// The "scripted" part of the executor's configuration.
struct Script
{
    std::chrono::milliseconds stepDelay{0}; // "stepDelayMs"
    std::vector<float> progress{0.0f, 0.5f, 1.0f};
    bool loadUntilStopped{false}; // the load goes on until progress says stop
    bool ignoresStop{false};      // and then succeeds all the same
    std::string loadError;        // thrown as std::runtime_error
    bool noMemory{false};         // the load throws std::bad_alloc
    bool vocabulary{true};
    bool brokenNames{false}; // names and chat template are not UTF-8
};

/// Executors that exist in this process.
int liveExecutors();

} // namespace scripted
