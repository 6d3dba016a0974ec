#!/usr/bin/env python3
"""Makes the demo's base model: a byte-level BPE tokenizer and a small Qwen2 model pretrained without any question.

usage: python3 make_model.py            (writes Sources/DistTrain/Demo/model; about five minutes on two cores)
needs: pip install torch transformers tokenizers safetensors

Pretraining text, in lines: 20 % titles, 60 % paraphrase pairs (one dish twice in other words, split by " = "), 20 %
random words said twice. Dishes that are right answers of the demo are left out, and the script stops if a query or a
right answer occurs in the text.
"""
import json
import os
import random
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).parent))
import torch
from make_questions import ITEMS, KINDS, OUT, STYLES, TIMES, make, option, query
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import Qwen2Config, Qwen2ForCausalLM

PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
           r"|\s+(?!\S)|\s+")
STEPS, BATCH, RATE = int(os.environ.get("STEPS", 1500)), 64, 2e-3


def phrase(rng, style, kind, item):
    """A dish in words of both sets."""
    return option(rng, style, kind, item, plain=rng.random() < 0.5)


def line(rng, gold, words):
    sort = rng.random()
    if sort < 0.2:
        chosen = " ".join(rng.choice(words) for _ in range(rng.randint(2, 5)))
        return f"{chosen} = {chosen}"
    while True:
        dish = rng.randrange(len(STYLES)), rng.randrange(len(KINDS)), rng.choice(ITEMS)
        if dish not in gold:
            break
    if sort < 0.4:
        return phrase(rng, *dish)
    first = phrase(rng, *dish)
    if rng.random() < 0.5:
        first = f"{first} {rng.choice(TIMES)[1]} with {rng.choice(ITEMS)}"
    return f"{first} = {phrase(rng, *dish)}"


def make_tokenizer(texts, folder):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=1200, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer


def main():
    torch.set_num_threads(int(os.environ.get("THREADS", 1)))
    rng = random.Random(7)
    torch.manual_seed(7)
    questions, gold = make()
    folder = OUT / "model"
    folder.mkdir(parents=True, exist_ok=True)
    words = sorted({w for group in STYLES + KINDS for phrase in group for w in phrase.split()} | set(ITEMS)
                   | {w for q in questions for w in q["query"].split()} | {"Question:", "Answer:"})
    texts = [line(rng, gold, words) for _ in range(60000)]
    forbidden = {q["query"] for q in questions} | {q["options"][q["answer"]] for q in questions}
    corpus = "\n".join(texts)
    found = [t for t in forbidden if t in corpus]
    assert not found, f"the pretraining text contains {found[:3]}"
    tokenizer = make_tokenizer(texts + words + [" " + w for w in words], folder)
    size = (tokenizer.get_vocab_size() + 63) // 64 * 64
    config = Qwen2Config(vocab_size=size, hidden_size=128, intermediate_size=352, num_hidden_layers=4,
                         num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256, rms_norm_eps=1e-6,
                         rope_theta=10000.0, tie_word_embeddings=True, use_sliding_window=False)
    model = Qwen2ForCausalLM(config).train()
    encoded = [e.ids for e in tokenizer.encode_batch([t for t in texts])]
    end = tokenizer.token_to_id("<|endoftext|>")
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.98))
    for step in range(STEPS):
        rows = [[end] + encoded[rng.randrange(len(encoded))] + [end] for _ in range(BATCH)]
        longest = max(map(len, rows))
        ids = torch.tensor([r + [end] * (longest - len(r)) for r in rows])
        labels = torch.tensor([r + [-100] * (longest - len(r)) for r in rows])
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 100) * (1 - step / STEPS)
        loss = model(input_ids=ids, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 0:
            print(step, round(loss.item(), 4), flush=True)
    model.to(torch.bfloat16).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    print(sum(p.numel() for p in model.parameters()), "parameters,", len(forbidden), "texts not in the pretraining")


if __name__ == "__main__":
    main()
