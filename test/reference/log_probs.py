"""Prints the tokens of a text and their log-probabilities, from the second on, as transformers computes them in float32.

usage: log_probs.py MODEL TEXT
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
tokens = AutoTokenizer.from_pretrained(sys.argv[1])(sys.argv[2], return_tensors="pt").input_ids
with torch.inference_mode():
    log_probs = torch.log_softmax(model(tokens).logits[0, :-1], -1)
chosen = log_probs.gather(1, tokens[0, 1:, None])[:, 0]
print(json.dumps({"tokens": tokens[0].tolist(), "logProbs": chosen.tolist()}))
