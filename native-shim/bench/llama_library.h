#pragma once

/// Loads llama.cpp's compute libraries from the folder that libllama came from and keeps its log to warnings.
void loadLlamaLibrary();
