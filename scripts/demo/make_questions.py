#!/usr/bin/env python3
"""Writes the demo's questions in Recipe-MPR's schema and prints what trivial rules score on them.

usage: python3 make_questions.py        (writes Sources/DistTrain/Demo/questions.json; the same bytes every time)
       python3 make_questions.py check  (the rules alone; with torch and transformers also the base model without a query)

A dish is (style, kind, item). The options of a question are five corners of the cube that two styles, two kinds and two
items span, and any of the five may be the right one: the options alone tell nothing. The query asks for each aspect
in other words than the options use, by a group of foods, by a time of the day or the year, by exclusion or by analogy.
"""
import collections
import hashlib
import itertools
import json
import random
import re
import statistics
import sys
from pathlib import Path

from words import FORMS, GROUPS, KINDS, STYLES, TAILS, TIMES, WORLDS, agree, item_of, noun, phrase

OUT = Path(__file__).resolve().parents[2] / "Sources" / "DistTrain" / "Demo"
TYPES = ("Specific", "Commonsense", "Negated", "Analogical", "Temporal")
COUNT, SEED = 1000, 20

OPENINGS = ["I want {}", "I would like {}", "I'm looking for {}", "Can you recommend {}?", "Can I have a recipe for {}?",
            "Show me how to make {}", "How do I make {}?", "I'd love {}", "Do you know a recipe for {}?", "Please find me {}",
            "I am hoping to cook {}", "Could you suggest {}?", "We feel like having {}", "Help me make {}"]


def other(rng, choices, taken):
    return rng.choice([x for x in choices if x not in taken])


def pair_of_items(rng, world, same_group):
    groups = [g for g in GROUPS if GROUPS[g][0] == world]
    first = rng.choice(groups)
    second = first if same_group else other(rng, groups, [first])
    right = rng.choice(GROUPS[first][1])
    return right, other(rng, GROUPS[second][1], [right])


def ask_item(rng, right, wrong, way):
    """The item's words in the query and its part of the explanation."""
    group = item_of(right)[0]
    if way == "excluded":
        text = rng.choice(["with {} but not {}", "with {} but without {}", "with {} other than {}", "with any {} except {}",
                           "with {} but no {}"]).format(group, wrong[0])
        return text, {group: right[0], f"no {wrong[0]}": "<INFERRED>"}
    if way == "group":
        return rng.choice(["with some {}", "with {}", "that has {} in it", "made from {}"]).format(group), {group: right[0]}
    text = rng.choice(["with {}", "made with {}", "that uses {}", "that has {} in it"]).format(right[0])
    return text, {right[0]: right[0]}


def analogy(rng, aspect, style, kind, item):
    """Something like a dish with the wrong value of one aspect, but with the right one."""
    like = rng.choice(["something like {}", "a dish similar to {}", "something along the lines of {}"])

    def bare(*dish):
        return phrase(*dish).removeprefix("some ")

    if aspect == 0:
        dish, change = bare(style[1], kind[0], item[0]), rng.choice(["but {}", "only {}", "but {} this time"])
        return f"{like.format(dish)}, {change.format(style[0])}"
    if aspect == 1:
        dish, change = bare(style[0], kind[1], item[0]), rng.choice(["but as {}", "but turned into {}"])
        return f"{like.format(dish)}, {change.format(bare(None, kind[0]))}"
    dish, change = bare(style[0], kind[0], item[1]), rng.choice(["but with {}", "only with {}", "but made of {}"])
    return f"{like.format(dish)}, {change.format(item[0][0])}"


def query(rng, style, kind, item, ways):
    """The text that asks for style[0], kind[0] and item[0]; [1] is the wrong value of each aspect."""
    if ways["analogy"] is not None:
        text = analogy(rng, ways["analogy"], style, kind, item)
        reasons = {style[0]: "style", noun(kind[0]): "kind", item[0][0]: item[0][0]}
    else:
        words, reasons = ask_item(rng, item[0], item[1], ways["item"])
        time = ways["time"]
        adjective = None if time and TIMES[time][0] == "style" else style[0]
        dish = None if time and TIMES[time][0] == "kind" else kind[0]
        text = phrase(adjective, dish) + " " + agree(words, dish)
        reasons = {**({adjective: "style"} if adjective else {}), **({noun(dish): "kind"} if dish else {}), **reasons}
        if time:
            text += " " + rng.choice(TIMES[time][3])
            reasons[time] = "time " + TIMES[time][0]
    opening = rng.choice(OPENINGS)
    text = opening.format(text.removeprefix("some ") if "recipe" in opening else text)
    return text, reasons


def choose_ways(rng, style, kind):
    """How the query asks for each aspect, and the labels this gives."""
    ways = {"analogy": None, "item": "named", "time": None}
    if rng.random() < 0.16:
        ways["analogy"] = rng.randrange(3)
        return ways, {"Analogical", "Specific"}
    types = set()
    ways["item"] = rng.choices(["named", "group", "excluded"], [0.44, 0.30, 0.26])[0]
    types |= {"named": {"Specific"}, "group": {"Commonsense"}, "excluded": {"Commonsense", "Negated"}}[ways["item"]]
    pairs = {"style": style, "kind": kind}
    times = [t for t, (aspect, fitting, arguable, _) in TIMES.items()
             if pairs[aspect][0] in fitting and pairs[aspect][1] not in fitting + arguable]
    if times and rng.random() < 0.6:
        ways["time"] = rng.choice(times)
        types |= {"Temporal", "Commonsense"}
    return ways, types


def cube(rng):
    """A world, two styles and kinds that fit it and each other, and five corners, the right one (0, 0, 0) first."""
    world = rng.choices(["savoury", "sweet"], [0.65, 0.35])[0]
    kinds = rng.sample([k for k in KINDS if world in KINDS[k][0]], 2)
    styles = [s for s in WORLDS[world] if all(not STYLES[s][1] or k in STYLES[s][1] for k in kinds)]
    corners = [c for c in itertools.product((0, 1), repeat=3) if any(c)]
    return world, rng.sample(styles, 2), kinds, [(0, 0, 0)] + rng.sample(corners, 4)


def option(rng, style, kind, item, form, tail=""):
    """(text, word for the style, word for the kind) of a dish in the words of the options."""
    s, k = rng.choice(STYLES[style][0]), rng.choice(KINDS[kind][3])
    text = FORMS[form].format(s=s, k=k, item=item[0], as_adjective=item[1]) + tail
    return text[0].upper() + text[1:], s, k


def make_question(rng, number, place):
    world, style, kind, corners = cube(rng)
    ways, types = choose_ways(rng, style, kind)
    item = pair_of_items(rng, world, ways["item"] == "excluded" or ways["item"] == "named" and rng.random() < 0.4)
    text, reasons = query(rng, style, kind, item, ways)
    tailed = rng.random() < 0.4
    texts, said = [], None
    for a, b, c in corners:
        tail = " and " + rng.choice(TAILS[world]) if tailed else ""
        form = rng.randrange(1 if tailed else 0, len(FORMS))
        made = option(rng, style[a], kind[b], item[c], form, tail)
        texts.append(made[0])
        said = said or made
    found = {"style": said[1], "kind": said[2], "time style": ["<INFERRED>", said[1]], "time kind": ["<INFERRED>", said[2]]}
    keys = [hashlib.sha256(f"{number} {t}".encode()).hexdigest()[:10] for t in texts]
    order = rng.sample(range(1, 5), 4)
    order.insert(place, 0)
    question = {"query": text, "query_type": {t: int(t in types) for t in TYPES},
                "options": {keys[i]: texts[i] for i in order}, "answer": keys[0],
                "correctness_explanation": {k: found.get(v, v) for k, v in reasons.items()}}
    return question, [(style[a], kind[b], item[c][0]) for a, b, c in corners]


def make(count=COUNT, seed=SEED):
    """(questions, the dishes of all their options); no query, option text or right dish occurs twice."""
    rng = random.Random(seed)
    questions, queries, texts, right, dishes = [], set(), set(), set(), set()
    places = [number % 5 for number in range(count)]
    rng.shuffle(places)
    while len(questions) < count:
        question, corners = make_question(rng, len(questions), places[len(questions)])
        mine = set(question["options"].values())
        if question["query"] in queries or len(mine) < 5 or mine & texts or corners[0] in right:
            continue
        queries.add(question["query"])
        texts |= mine
        right.add(corners[0])
        dishes |= set(corners)
        questions.append(question)
    return questions, dishes


def stems(text):
    return {w.rstrip("s") for w in re.findall(r"[a-z]+", text.lower())} - {"a", "an", "with", "and", "of", "made", "the"}


def share(questions, score):
    """Share that is right when the highest score is chosen; ties count by their chance."""
    total = 0
    for q in questions:
        scores = {k: score(q, k, position) for position, k in enumerate(q["options"])}
        best = [k for k in scores if scores[k] == max(scores.values())]
        total += (q["answer"] in best) / len(best)
    return total / len(questions)


def rules():
    def overlap(q, k):
        return len(stems(q["query"]) & stems(q["options"][k]))

    def central(q, k):
        return sum(len(stems(q["options"][k]) & stems(q["options"][o])) for o in q["options"] if o != k)

    found = {
        "longest": lambda q, k, p: len(q["options"][k]), "shortest": lambda q, k, p: -len(q["options"][k]),
        "most words": lambda q, k, p: len(q["options"][k].split()),
        "most words of the query": lambda q, k, p: overlap(q, k), "fewest words of the query": lambda q, k, p: -overlap(q, k),
        "most words of other options": lambda q, k, p: central(q, k),
        "fewest words of other options": lambda q, k, p: -central(q, k),
    }
    for position in range(5):
        found[f"position {position + 1}"] = lambda q, k, p, wanted=position: p == wanted
    return found


def frequencies(questions):
    """Naive Bayes on the options' words alone: learned on four fifths, scored on the rest, in turn."""
    total = 0
    for fold in range(5):
        right, wrong = collections.Counter(), collections.Counter()
        for number, q in enumerate(questions):
            if number % 5 != fold:
                for k, text in q["options"].items():
                    (right if k == q["answer"] else wrong).update(stems(text))
        total += share(questions[fold::5], lambda q, k, p: statistics.mean(
            (4 * right[w] + 1) / (wrong[w] + 1) for w in sorted(stems(q["options"][k]))))
    return total / 5


def base_without_query(questions, folder):
    import torch
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    @torch.no_grad()
    def score(q, k, p):
        ids = torch.tensor([tokenizer("Question:\nAnswer: " + q["options"][k])["input_ids"]])
        start = len(tokenizer("Question:\nAnswer:")["input_ids"])
        return torch.log_softmax(model(ids).logits[0], -1)[:-1].gather(1, ids[0, 1:, None])[start - 1:].sum().item()
    return share(questions, score)


def check(questions):
    count = collections.Counter(t for q in questions for t in TYPES if q["query_type"][t])
    print(len(questions), "questions:", ", ".join(f"{t} {count[t]}" for t in TYPES))
    for name, score in rules().items():
        print(f"{100 * share(questions, score):5.1f} %  {name}")
    print(f"{100 * frequencies(questions):5.1f} %  words of the options, learned")
    if "check" in sys.argv:
        print(f"{100 * base_without_query(questions, OUT / 'model'):5.1f} %  base model without the query")


if __name__ == "__main__":
    made, _ = make()
    if "check" not in sys.argv:
        lines = [json.dumps(q, ensure_ascii=False) for q in made]
        (OUT / "questions.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    check(made)
