#!/usr/bin/env python3
"""Trains a multiple-choice encoder with PyTorch and transformers as their users do, padded, and prints the speed of its steps as JSON.

usage: pytorch_encoder_peer.py MODEL_FOLDER DATASET.json [--dtype bfloat16] [--threads 2] [--steps 3] [--batch 8]; under torchrun: DDP
needs: pip install torch transformers
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
from transformers import AutoModelForMultipleChoice, AutoTokenizer


def windows(model, data, size, rank, ranks):
    """This rank's share of every window, padded, and the tokens of the whole window without padding."""
    tokenizer = AutoTokenizer.from_pretrained(model)
    questions = json.loads(Path(data).read_text())

    def encoded(part):
        queries = [question["query"].strip() for question in part for _ in question["options"]]
        options = [text.strip() for question in part for text in question["options"].values()]
        return tokenizer(queries, options, padding=True, truncation=True, max_length=128, return_tensors="pt")

    for start in range(0, len(questions) - size + 1, size):
        window = questions[start:start + size]
        mine = window[rank::ranks]
        answers = torch.tensor([list(question["options"]).index(question["answer"]) for question in mine])
        inputs = {key: value.view(len(mine), 5, -1) for key, value in encoded(mine).items()}
        yield inputs, answers, int(encoded(window)["attention_mask"].sum())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--batch", type=int, default=8, help="questions of a window, over all ranks")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(1)
    rank, ranks = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if ranks > 1:
        distributed.init_process_group("gloo")
    model = AutoModelForMultipleChoice.from_pretrained(given.model, dtype=getattr(torch, given.dtype)).train()
    parallel = torch.nn.parallel.DistributedDataParallel(model) if ranks > 1 else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.01)
    shares = windows(given.model, given.data, given.batch, rank, ranks)
    seconds, counts = [], []
    for _ in range(given.steps + 1):
        inputs, answers, count = next(shares)
        if ranks > 1:
            distributed.barrier()
        start = time.perf_counter()
        optimizer.zero_grad()
        parallel(**inputs, labels=answers).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        seconds.append(time.perf_counter() - start)
        counts.append(count)
    if rank == 0:
        rates = [count / second for count, second in zip(counts[1:], seconds[1:])]
        print(json.dumps({"tokens_per_second": statistics.median(rates), "torch": torch.__version__}))
    if ranks > 1:
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()
