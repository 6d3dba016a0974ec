#!/usr/bin/env python3
"""Trains the same three steps here and with PEFT, from the same adapter, and compares losses and adapters.

usage: python3 compare_peft.py MODEL_FOLDER DATASET.json [DISTTRAIN]
needs: pip install torch transformers peft tokenizers safetensors
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, get_linear_schedule_with_warmup

STEPS, WINDOW, RATE, WARMUP = 3, 16, 2e-4, 1
LETTERS = "ABCDE"


def text(question):
    options = list(question["options"].items())
    lines = "".join(f"{l}) {t}\n" for l, (_, t) in zip(LETTERS, options))
    gold = LETTERS[[i for i, _ in options].index(question["answer"])]
    return ("Given the following recipe question and options, select the best answer.\n\nQuestion: "
            f"{question['query'].strip()}\n\nOptions:\n{lines}\nAnswer: {gold}")


def main(model_path, data_path, program):
    work = Path(tempfile.mkdtemp())
    torch.manual_seed(1)
    base = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32)
    model = get_peft_model(base, LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, task_type="CAUSAL_LM", target_modules=[
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(0, 0.01)
    model.save_pretrained(work / "start")
    subprocess.run([program, "train", f"model_name_or_path={model_path}", f"dataset_path={data_path}",
                    f"output_dir={work}/run", f"init_adapter={work}/start", "shuffle=false", "lora_dropout=0",
                    "option_order=dataset", f"max_steps={STEPS}", f"warmup_steps={WARMUP}", "logging_steps=1",
                    "split=ratio"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ours = [json.loads(line) for line in (work / "run" / "metrics.jsonl").read_text().splitlines()]
    train = json.loads((work / "run" / "test_split.json").read_text())["train_indices"]
    data = json.loads(Path(data_path).read_text())
    # AutoTokenizer gives every qwen2 model Qwen's pre-tokenizer, whatever tokenizer.json says.
    tokenizer = Tokenizer.from_file(f"{model_path}/tokenizer.json")
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=RATE, weight_decay=0.01)
    schedule = get_linear_schedule_with_warmup(optimizer, WARMUP, STEPS)
    model.train()
    worst = 0.0
    for step in range(STEPS):
        window = [torch.tensor([tokenizer.encode(text(data[i])).ids]) for i in train[step * WINDOW:][:WINDOW]]
        count = sum(ids.shape[1] - 1 for ids in window)
        total = 0.0
        for ids in window:
            logits = model(input_ids=ids).logits[0, :-1]
            loss = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum") / count
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        worst = max(worst, abs(ours[step]["loss"] / total - 1))
        print(f"step {step + 1}: loss here {ours[step]['loss']:.6f}, PEFT {total:.6f}", flush=True)
    model.save_pretrained(work / "peft")
    start, here, peft = (load_file(work / p / "adapter_model.safetensors") for p in ("start", "run/adapter", "peft"))
    distance = sum(((here[n] - peft[n]) ** 2).sum() for n in peft).sqrt()
    size = sum((peft[n] ** 2).sum() for n in peft).sqrt()
    moved = sum(((start[n] - peft[n]) ** 2).sum() for n in peft).sqrt()
    print(f"loss: largest relative difference {worst:.2e}")
    print(f"adapter: relative difference {distance / size:.2e}, of the way moved {distance / moved:.2e}")
    PeftModel.from_pretrained(base, work / "run" / "adapter")
    print("PEFT loads our adapter")


if __name__ == "__main__":
    main(*sys.argv[1:3], sys.argv[3] if len(sys.argv) > 3 else ".build/release/disttrain")
