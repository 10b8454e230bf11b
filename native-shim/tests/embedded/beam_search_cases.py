#!/usr/bin/env python3
"""Writes beam_search_cases.h: what beam search of Hugging Face transformers finds on made-up bigram models.

Run with transformers 4.57.6 and any PyTorch 2: python3 beam_search_cases.py > beam_search_cases.h
"""

import itertools

import torch
from transformers import GenerationConfig, GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

VOCABULARY = 9
END = 0
PROMPT = [3]


def logit(seed: int, position: int, token: int, following: int) -> float:
    """beam_search_test.cpp computes the same. The position keeps permutations of an answer from scoring the same."""
    mixed = token * 37 + following * 101 + token * following * 13 + seed * (29 + token * 7 + following * 11)
    return (mixed + position * (17 + following * 5)) % 97 / 16


class Bigram(PreTrainedModel, GenerationMixin):
    config_class = PretrainedConfig
    main_input_name = "input_ids"

    def __init__(self, seed: int):
        super().__init__(PretrainedConfig(vocab_size=VOCABULARY, eos_token_id=END, pad_token_id=END))
        self.seed = seed
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, input_ids, **_):
        rows = [
            [
                [logit(self.seed, position, token, following) for following in range(VOCABULARY)]
                for position, token in enumerate(sequence)
            ]
            for sequence in input_ids.tolist()
        ]
        return CausalLMOutput(logits=torch.tensor(rows, dtype=torch.float32))

    def prepare_inputs_for_generation(self, input_ids, **_):
        return {"input_ids": input_ids}


def main() -> None:
    print("// Written by beam_search_cases.py: beam search of Hugging Face transformers on bigram models.")
    print("// {seed, width, max tokens, early stopping, length penalty, {{score, {tokens}}, ...}}")
    cases = itertools.product(range(1, 9), (2, 3, 4), (5, 9), ((1, True), (0, False), (2, "never")), (0.0, 1.0, 2.0))
    for index, (seed, width, most, (stopping, early), penalty) in enumerate(cases):
        if index % 5:
            continue
        output = Bigram(seed).generate(
            torch.tensor([PROMPT]),
            generation_config=GenerationConfig(
                num_beams=width, num_return_sequences=width, max_new_tokens=most, do_sample=False,
                early_stopping=early, length_penalty=penalty, eos_token_id=END, pad_token_id=END,
                return_dict_in_generate=True, output_scores=True, use_cache=False))
        answers = []
        for sequence, score in zip(output.sequences, output.sequences_scores):
            tokens = sequence[len(PROMPT):].tolist()
            ended = tokens.index(END) if END in tokens else len(tokens)
            answers.append(f"{{{score.item():.6f}, {{{', '.join(map(str, tokens[:ended]))}}}}}")
        print(f"{{{seed}, {width}, {most}, {stopping}, {penalty}f, {{{', '.join(answers)}}}}},")


main()
