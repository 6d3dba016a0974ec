#!/usr/bin/env python3
"""Trains LoRA with PyTorch, transformers and PEFT as a user without a GPU would, and prints the speed of its steps as JSON.

usage: pytorch_peer.py MODEL_FOLDER DATASET.json [--dtype bfloat16] [--threads 2] [--steps 1]; under torchrun: DDP on gloo
needs: pip install torch transformers peft tokenizers
"""
import argparse
import json
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch
import torch.distributed as distributed
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def sequences(model, data):
    """The training texts of the published configuration in tokens, in the order of the file."""
    tokenizer = Tokenizer.from_file(f"{model}/tokenizer.json")
    for question in json.loads(Path(data).read_text()):
        options = "".join(f"{letter}) {text}\n" for letter, text in zip("ABCDE", question["options"].values()))
        prompt = ("Given the following recipe question and options, select the best answer.\n\nQuestion: "
                  f"{question['query'].strip()}\n\nOptions:\n{options}\nAnswer: A")
        yield torch.tensor([tokenizer.encode(prompt).ids[:512]])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--window", type=int, default=16)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(1)
    rank, ranks = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if ranks > 1:
        distributed.init_process_group("gloo")
    base = AutoModelForCausalLM.from_pretrained(
        given.model, dtype=getattr(torch, given.dtype), attn_implementation="sdpa")
    model = get_peft_model(base, LoraConfig(
        r=16, lora_alpha=32, lora_dropout=0.05, task_type="CAUSAL_LM", target_modules=PROJECTIONS))
    parallel = torch.nn.parallel.DistributedDataParallel(model) if ranks > 1 else model
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=2e-4, weight_decay=0.01)
    model.train()
    texts = sequences(given.model, given.data)
    seconds, counts = [], []
    for _ in range(given.steps + 1):
        window = [next(texts) for _ in range(given.window)]
        if ranks > 1:
            distributed.barrier()
        start = time.perf_counter()
        mine = window[rank::ranks]
        for index, ids in enumerate(mine):
            if ranks > 1:
                parallel.require_backward_grad_sync = index == len(mine) - 1
            (parallel(input_ids=ids, labels=ids).loss / len(mine)).backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - start)
        counts.append(sum(ids.shape[1] for ids in window))
    if rank == 0:
        rates = [count / second for count, second in zip(counts[1:], seconds[1:])]
        print(json.dumps({"tokens_per_second": statistics.median(rates), "torch": torch.__version__}))
    if ranks > 1:
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()
