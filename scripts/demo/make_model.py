#!/usr/bin/env python3
"""Makes the demo's base model: a byte-level BPE tokenizer and a small Qwen2 model pretrained without any question.

usage: python3 make_model.py            (writes Sources/DistTrain/Demo/model; five to nine minutes on one core)
needs: pip install torch transformers tokenizers safetensors

Pretraining text, in lines: titles of dishes; a statement or title, then " = " and the title of the same dish in other
words; a statement or title, then an unrelated title; random words said twice. No dish of any option of the demo is in it,
and the script stops if a query or a right answer is.
"""
import json
import os
import random
import sys
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
sys.path.insert(0, str(Path(__file__).parent))
import torch
from make_questions import OUT, make
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import Qwen2Config, Qwen2ForCausalLM
from words import FORMS, GROUPS, KINDS, STYLES, TAILS, TIMES, WORLDS, agree, item_of, phrase

PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
           r"|\s+(?!\S)|\s+")
STEPS, BATCH, RATE, LINES = int(os.environ.get("STEPS", 2500)), 64, 2e-3, 120_000
SHARES = {"copy": 0.13, "title": 0.04, "list": 0.25}  # the others are pairs
FOLDER = Path(os.environ.get("MODEL", OUT / "model"))

NAMES = "Anna Ben Carla David Ella Frank Grace Hugo Iris Jonas".split()
STATEMENTS = ["{name} made {dish}{time}", "{name} brought {dish}{time}", "There was {dish} on the table{time}",
              "They serve {dish} here{time}", "On the menu: {dish}{time}", "{name} ate {dish}{time}",
              "My aunt used to cook {dish}{time}", "{dish}{time}, said {name}", "The cook is proud of {dish}{time}"]
SEPARATORS = [". ", "; ", " / ", "\n", ".\n", "\nNext: ", "\nThen: ", ": ", " - ", " and also: ", "\nLater: ", " | ", "\n* "]
SCENERY = [" after buying {item}", " while the {item} had to wait", ", while {name} talked about {item}", ", next to a bowl of {item}",
           " and {name} had {item}"]


def title(rng, style, kind, item, world):
    """A dish in the options' words."""
    form = rng.choice(FORMS)
    text = form.format(s=rng.choice(STYLES[style][0]), k=rng.choice(KINDS[kind][3]), item=item[0], as_adjective=item[1])
    if "{item}" in form and rng.random() < 0.3:
        text += " and " + rng.choice(TAILS[world])
    return text[0].upper() + text[1:]


def statement(rng, style, kind, item, world):
    """A dish in the queries' words, inside a sentence that is no question."""
    told, kind_said, style_said = "", kind, style
    times = [(aspect, says) for aspect, fitting, _, says in TIMES.values()
             if (style if aspect == "style" else kind) in fitting]
    if times and rng.random() < 0.6:
        aspect, says = rng.choice(times)
        told = " " + rng.choice(says)
        kind_said, style_said = (kind, None) if aspect == "style" else (None, style)
    sort = rng.random()
    if sort < 0.25:
        dish = phrase(style_said, kind_said, item)
    else:
        food = item[0] if sort < 0.6 else item_of(item)[0]
        way = rng.choice(["with {}", "made with {}", "that has {} in it", "made from {}", "with some {}", "of {}"])
        dish = phrase(style_said, kind_said) + " " + agree(way.format(food), kind_said)
    aside = ""
    if rng.random() < 0.45:
        group = item_of(item)[0] if rng.random() < 0.6 else rng.choice([g for g in GROUPS if GROUPS[g][0] == world])
        seen = rng.choice([i for i in GROUPS[group][1] if i != item])[0]
        aside = rng.choice(SCENERY).format(item=seen, name=rng.choice(NAMES))
        if rng.random() < 0.5:
            dish, aside = dish + aside, ""
    text = rng.choice(STATEMENTS).format(name=rng.choice(NAMES), dish=dish, time=told) + aside
    return text[0].upper() + text[1:]


def draw_dish(rng, taken):
    """(style, kind, item, world) of a dish that is no option of the demo."""
    while True:
        world = rng.choices(["savoury", "sweet"], [0.65, 0.35])[0]
        kind = rng.choice([k for k in KINDS if world in KINDS[k][0]])
        style = rng.choice([s for s in WORLDS[world] if not STYLES[s][1] or kind in STYLES[s][1]])
        item = rng.choice([i for w, items in GROUPS.values() if w == world for i in items])
        if (style, kind, item[0]) not in taken:
            return style, kind, item, world


def line(rng, taken, words):
    sort = rng.choices(["copy", "title", "list", "pair"], [*SHARES.values(), 1 - sum(SHARES.values())])[0]
    if sort == "copy":
        chosen = " ".join(rng.choice(words) for _ in range(rng.randint(2, 6)))
        return f"{chosen} = {chosen}"
    dish = draw_dish(rng, taken)
    if sort == "title":
        return title(rng, *dish)
    first = title(rng, *dish) if rng.random() < 0.15 else statement(rng, *dish)
    if sort == "list":
        return first + rng.choice(SEPARATORS) + title(rng, *draw_dish(rng, taken))
    return f"{first} = {title(rng, *dish)}"


def make_tokenizer(texts, folder):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=1277, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer


def batches(rng, encoded, end):
    """Batches of lines of similar length, each line followed by the end."""
    while True:
        drawn = sorted((rng.choice(encoded) + [end] for _ in range(BATCH * 16)), key=len)
        groups = [drawn[i:i + BATCH] for i in range(0, len(drawn), BATCH)]
        rng.shuffle(groups)
        for rows in groups:
            longest = max(map(len, rows))
            yield (torch.tensor([r + [end] * (longest - len(r)) for r in rows]),
                   torch.tensor([r + [-100] * (longest - len(r)) for r in rows]))


def pretrain(model, rng, encoded, end):
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.98))
    start = time.time()
    for step, (ids, labels) in zip(range(STEPS), batches(rng, encoded, end)):
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 100) * (1 - step / STEPS)
        loss = model(input_ids=ids, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 0:
            print(f"step {step}, loss {loss.item():.4f}, {time.time() - start:.0f} s", flush=True)


def configuration(size):
    """The settings that a Qwen2 reader needs, and no others."""
    return {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "vocab_size": size, "hidden_size": 128,
            "intermediate_size": 352, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
            "hidden_act": "silu", "max_position_embeddings": 256, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
            "tie_word_embeddings": True, "use_sliding_window": False, "attention_dropout": 0.0,
            "initializer_range": 0.02, "torch_dtype": "bfloat16"}


def main():
    torch.set_num_threads(int(os.environ.get("THREADS", 1)))
    rng = random.Random(7)
    torch.manual_seed(7)
    questions, taken = make()
    FOLDER.mkdir(parents=True, exist_ok=True)
    heard = sorted({w for q in questions for w in q["query"].replace("?", "").replace(",", "").split()})
    words = sorted({w for q in questions for o in q["options"].values() for w in o.lower().split()} | set(heard))
    texts = [line(rng, taken, words) for _ in range(LINES)]
    forbidden = {q["query"] for q in questions} | {q["options"][q["answer"]] for q in questions}
    corpus = "\n".join(texts).lower()
    found = [t for t in sorted(forbidden) if t.lower() in corpus]
    assert not found, f"the pretraining text contains {found[:3]}"
    assert not any(mark in corpus for mark in ("question", "answer", "?")), "the pretraining text contains a question"
    tokenizer = make_tokenizer(texts + ["Question", "Answer", "?"] * 100, FOLDER)
    settings = configuration((tokenizer.get_vocab_size() + 63) // 64 * 64)
    model = Qwen2ForCausalLM(Qwen2Config(**settings)).train()
    encoded = [e.ids for e in tokenizer.encode_batch(texts)]
    print(sum(map(len, encoded)) / len(encoded), "tokens a line,", settings["vocab_size"], "tokens known")
    if os.environ.get("SHOW"):
        print("\n".join(texts[:40]))
        return
    pretrain(model, rng, encoded, tokenizer.token_to_id("<|endoftext|>"))
    model.to(torch.bfloat16).save_pretrained(FOLDER)
    (FOLDER / "generation_config.json").unlink(missing_ok=True)
    (FOLDER / "config.json").write_text(json.dumps(settings, indent=2) + "\n")
    print(sum(p.numel() for p in model.parameters()), "parameters,", len(forbidden), "texts not in the pretraining")


if __name__ == "__main__":
    main()
