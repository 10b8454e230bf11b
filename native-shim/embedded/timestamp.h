#pragma once

#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>

namespace tensorrt_llm::executor::embedded
{

/// Local time in the form of TensorRT-LLM's iteration statistics: MM-DD-YYYY HH:MM:SS.microseconds.
inline std::string timestampNow()
{
    auto const now = std::chrono::system_clock::now();
    auto const seconds = std::chrono::system_clock::to_time_t(now);
    auto const micros
        = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count() % 1'000'000;
    std::tm local{};
    localtime_r(&seconds, &local);
    char date[32];
    std::strftime(date, sizeof(date), "%m-%d-%Y %H:%M:%S", &local);
    char text[48];
    std::snprintf(text, sizeof(text), "%s.%06d", date, static_cast<int>(micros));
    return text;
}

} // namespace tensorrt_llm::executor::embedded
