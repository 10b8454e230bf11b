// What the synthetic executor does: invents tokens at a given pace, and misbehaves on demand.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace synthetic
{

constexpr std::int32_t kDefaultBatchSize = 4;
constexpr std::int32_t kTokensPerBlock = 16;

/// First tokens of a prompt that ask for something special. Any other prompt p is answered with
/// p[0] + 1, p[0] + 2, ... modulo the vocabulary, up to maxTokens tokens.
enum Prompt : std::int32_t
{
    kERROR = 900,         // an error response after the first token
    kENDLESS,             // tokens until it is cancelled
    kDEAF,                // as kENDLESS, and ignores being cancelled
    kEMPTY_FINAL,         // a final response with a reason and nothing else
    kNO_REASON,           // a final response without finish reason
    kODD_SHAPES,          // no sequences, an empty sequence, missing log-probs, negative counts
    kTOKENS_IN_FINAL,     // every token comes with the final response
    kTALKS_ON,            // responses after the final one
    kSTRANGER,            // responses for an id that nobody has
    kANSWER_FIRST,        // the whole answer is ready before enqueueRequest returns
    kBREAK_ENQUEUE,       // enqueueRequest throws
    kBREAK_ENQUEUE_ODDLY, // enqueueRequest throws something that is no std::exception
    kBREAK_AWAIT,         // awaitResponses throws from now on
    kPARAMETERS,          // answers with what arrived: see parameters() in answers.cpp
    kNO_FINAL,            // its tokens, and then nothing: only a cancel ends it
    kSEGFAULT,            // the process gets SIGSEGV at the request's first step, as with the three below
    kABORT,               // SIGABRT
    kEXIT,                // exit status 3, without a word
    kHANG,                // the executor's thread never comes back
    kLORA,                // answers with the adapter that arrived: task id, rows and columns of its weights
};

/// Something that ends or stalls the process.
enum class Fault
{
    kSEGFAULT,
    kABORT,
    kEXIT,
    kHANG,
    kEXCEPTION, // out of the executor's thread, which ends the process
};

/// The "synthetic" part of the executor's configuration, or the content of the engine file where that is JSON.
/// Defaults are those of the fields.
struct Script
{
    // Pace. With neither of the first two, a step follows the other at once.
    std::chrono::duration<double, std::milli> stepDelay{0}; // "stepDelayMs", between steps
    double tokensPerSecond{0};                              // of all requests together
    std::int32_t tokensPerResponse{1};                      // of one request in one step

    // The engine
    std::int32_t vocabularySize{1000};
    std::int32_t maxSequenceTokens{256};
    bool vocabulary{true};
    bool brokenNames{false}; // names and chat template are not UTF-8

    // Its load
    std::vector<float> progress{0.0f, 0.5f, 1.0f};
    bool loadUntilStopped{false}; // the load goes on until progress says stop
    bool ignoresStop{false};      // and then succeeds all the same
    std::string loadError;        // thrown as std::runtime_error
    bool noMemory{false};         // the load throws std::bad_alloc
    bool oddError{false};         // the load throws something that is no std::exception
    bool replacesHandlers{false}; // of SIGABRT and SIGSEGV, as MPI's initialization in TensorRT-LLM
    std::optional<Fault> loadFault;

    // {"fault": "segfault" | "abort" | "exit" | "hang" | "exception", "faultAfterSteps": 0}
    std::optional<Fault> fault;
    std::int32_t faultAfterSteps{0};
};

/// Does not return.
[[noreturn]] void strike(Fault fault);

/// Executors that exist in this process.
int liveExecutors();

} // namespace synthetic
