#pragma once

#include <string>

/// Loads llama.cpp's compute libraries from the folder that libllama came from and keeps its log to warnings.
void loadLlamaLibrary();

struct ComputingDevice
{
    std::string name;
    bool isGpu;
};

/// The first GPU, else the CPU.
ComputingDevice computingDevice();
