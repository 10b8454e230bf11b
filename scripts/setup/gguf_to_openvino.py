"""Writes a GGUF as OpenVINO IR beside it: its model, tokenizer and detokenizer."""

import sys

import openvino_genai

openvino_genai.LLMPipeline(sys.argv[1], "CPU", enable_save_ov_model=True)
