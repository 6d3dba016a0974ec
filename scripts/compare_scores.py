#!/usr/bin/env python3
"""Compares the scores of every rule with those of transformers, question by question.

    scripts/compare_scores.py MODEL DATA [--disttrain .build/release/disttrain] [--template plain|chat]

Scores the held-out questions of the published split with the base model, by each rule, then computes the same from its
definition with transformers: one text at a time, no cache, no shared prompt. Needs torch and transformers.
"""

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

print = functools.partial(print, flush=True)
RULES = ["letter", "option", "option_per_character", "option_minus_unconditional", "generated"]


def evaluate(options, rule, folder):
    settings = [
        f"model_name_or_path={options.model}", f"dataset_path={options.data}", f"output_dir={folder}",
        f"score={rule}", f"prompt_template={options.template}", "option_order=shuffled", "split=seed",
        "score_controls=false", f"max_new_tokens={options.new_tokens}", "max_length=1024",
    ]
    environment = dict(
        os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    subprocess.run(
        [options.disttrain, "evaluate", "--base", *settings], check=True, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return [json.loads(line) for line in open(os.path.join(folder, "predictions.jsonl"))]


class Reference:
    def __init__(self, options):
        # The file as it is: transformers makes some tokenizers anew by their class.
        self.tokenizer = Tokenizer.from_file(os.path.join(options.model, "tokenizer.json"))
        self.template = AutoTokenizer.from_pretrained(options.model)
        self.model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
        self.chat = options.template == "chat"
        self.new_tokens = options.new_tokens

    def wrapped(self, text):
        if not self.chat:
            return text
        return self.template.apply_chat_template(
            [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True)

    def prompt(self, item):
        lines = "".join(f"{chr(65 + i)}) {text}\n" for i, text in enumerate(item["choices"]))
        return self.wrapped(
            "Given the following recipe question and options, select the best answer.\n\n"
            f"Question: {item['question'].strip()}\n\nOptions:\n{lines}\nAnswer:")

    def encode(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    @functools.cache
    @torch.no_grad()
    def likelihood(self, prompt, answer):
        whole, alone = self.encode(prompt + answer), self.encode(prompt)
        shared = next((i for i, (a, b) in enumerate(zip(whole, alone)) if a != b), len(alone))
        logs = self.model(torch.tensor([whole])).logits[0].log_softmax(-1)
        return sum(logs[i - 1, whole[i]].item() for i in range(shared, len(whole)))

    @torch.no_grad()
    def generated(self, prompt):
        ids = torch.tensor([self.encode(prompt)])
        out = self.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False,
            max_new_tokens=self.new_tokens, pad_token_id=0, repetition_penalty=1.0)
        return self.tokenizer.decode(out[0, ids.shape[1]:].tolist(), skip_special_tokens=True)

    def scores(self, item, rule):
        prompt = self.prompt(item)
        space = "" if self.chat else " "
        if rule == "letter":
            return [
                self.likelihood(prompt, space + chr(65 + i)) for i in range(len(item["choices"]))]
        texts = [text.strip() for text in item["choices"]]
        values = [self.likelihood(prompt, space + text) for text in texts]
        if rule == "option_per_character":
            return [value / len(text) for value, text in zip(values, texts)]
        if rule == "option_minus_unconditional":
            alone = self.wrapped("Answer:")
            return [
                value - self.likelihood(alone, space + text) for value, text in zip(values, texts)]
        return values


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--disttrain", default=".build/release/disttrain")
    parser.add_argument("--template", default="plain", choices=["plain", "chat"])
    parser.add_argument("--new-tokens", type=int, default=8)
    parser.add_argument("--rules", nargs="*", default=RULES)
    options = parser.parse_args()
    reference = Reference(options)
    failed = False
    for rule in options.rules:
        with tempfile.TemporaryDirectory() as folder:
            items = evaluate(options, rule, folder)
        if rule == "generated":
            texts = [reference.generated(reference.prompt(item)) for item in items]
            same = sum(text == item["generated_text"] for text, item in zip(texts, items))
            print(f"{rule:28} {same} of {len(items)} texts are the same")
            failed |= same != len(items)
            continue
        worst, same = 0.0, 0
        for item in items:
            scores = reference.scores(item, rule)
            worst = max(worst, *(abs(a - b) for a, b in zip(scores, item["scores"])))
            same += scores.index(max(scores)) == item["predicted_idx"]
        print(f"{rule:28} {same} of {len(items)} picks are the same, largest difference {worst:.1e}")
        failed |= same != len(items) or worst > 1e-3
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
