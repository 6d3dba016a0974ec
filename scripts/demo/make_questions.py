#!/usr/bin/env python3
"""Writes the demo's questions in Recipe-MPR's schema, and the words they are made of for make_model.py.

usage: python3 make_questions.py        (writes Sources/DistTrain/Demo/questions.json)

A dish is (style, kind, item). A query names it with one set of words, the right option with another; wrong options
change one aspect each, and one changes two. Items are all different words, so that the way to the right option is to
read the query. Gold positions are permuted. Seeded: the same file every time.
"""
import hashlib
import json
import random
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "Sources" / "DistTrain" / "Demo"

# Each inner list holds phrases for one meaning; the first serves queries, any serves options.
STYLES = [["spicy", "hot", "fiery"], ["creamy", "velvety", "silky"], ["crispy", "crunchy", "crackling"],
          ["smoked", "smoky", "wood-fired"], ["light", "delicate", "airy"], ["hearty", "filling", "rustic"],
          ["sweet", "sugary", "honeyed"], ["sour", "tangy", "sharp"], ["cold", "chilled", "iced"],
          ["grilled", "charred", "barbecued"], ["fresh", "raw", "garden"], ["quick", "easy", "simple"]]
KINDS = [["soup", "broth", "chowder"], ["salad", "slaw", "greens bowl"], ["stew", "casserole", "hotpot"],
         ["pie", "tart", "quiche"], ["curry", "masala", "korma"], ["pasta", "noodles", "spaghetti"],
         ["sandwich", "toast", "wrap"], ["cake", "loaf", "sponge"], ["rice", "pilaf", "risotto"],
         ["dip", "spread", "sauce"], ["skewers", "kebabs", "brochettes"], ["drink", "smoothie", "punch"]]
ITEMS = """chickpeas lentils salmon tuna cod shrimp crab oysters mussels chicken turkey duck beef lamb pork bacon ham
sausage tofu tempeh eggs cheddar feta ricotta mozzarella spinach kale cabbage lettuce broccoli cauliflower carrots
parsnips beets turnips potatoes yams pumpkin squash zucchini eggplant tomatoes peppers onions leeks garlic mushrooms
asparagus artichokes celery fennel corn peas okra beans radishes cucumber avocado olives apples pears plums peaches
apricots cherries strawberries blueberries raspberries cranberries grapes figs dates lemons limes oranges mangoes
pineapple bananas coconut almonds walnuts pecans cashews peanuts pistachios hazelnuts oats barley quinoa couscous
bulgur polenta""".split()
TIMES = [("breakfast", "for the morning"), ("lunch", "for midday"), ("dinner", "for the evening"),
         ("winter", "for cold days"), ("summer", "for hot days"), ("a picnic", "for eating outdoors")]


def query(rng, style, kind, item, other, time, types):
    s, k = STYLES[style][0], KINDS[kind][0]
    article = "an" if s[0] in "aeiou" else "a"
    text = rng.choice([f"I would like {article} {s} {k} with {item}", f"Can you find {article} {s} {k} made of {item}",
                       f"I want to cook {article} {s} {k} that has {item}", f"Show me {article} {s} {k} using {item}",
                       f"We are looking for {article} {s} {k} with {item}"])
    if "Analogical" in types:
        text = f"I want something like a {KINDS[kind][0]} of {other} but {s} and with {item}"
    if "Negated" in types:
        text += f" and without {other}" if "Analogical" not in types else ""
    if "Temporal" in types:
        text += f" for {time[0]}" if time[0][0] != "a" else f" for {time[0]}"
    return text


def option(rng, style, kind, item, plain=False):
    s = STYLES[style][0] if plain else rng.choice(STYLES[style][1:])
    k = KINDS[kind][0] if plain else rng.choice(KINDS[kind][1:])
    return rng.choice([f"{s.capitalize()} {item} {k}", f"{s.capitalize()} {k} with {item}", f"{k.capitalize()} of {item}, {s}"])


def different(rng, count, taken):
    return rng.choice([x for x in range(count) if x != taken])


def make(count=900, seed=20):
    rng = random.Random(seed)
    questions, seen, gold = [], set(), set()
    while len(questions) < count:
        style, kind = rng.randrange(len(STYLES)), rng.randrange(len(KINDS))
        item, other, third = rng.sample(ITEMS, 3)
        time = rng.choice(TIMES)
        types = {t for t, p in (("Commonsense", .5), ("Specific", .3), ("Negated", .2), ("Analogical", .08),
                                ("Temporal", .08)) if rng.random() < p}
        text = query(rng, style, kind, item, other, time, types)
        plain = "Commonsense" not in types
        right = option(rng, style, kind, item, plain)
        wrong = [option(rng, different(rng, len(STYLES), style), kind, item),
                 option(rng, style, different(rng, len(KINDS), kind), item),
                 option(rng, style, kind, other if "Negated" in types else third),
                 option(rng, different(rng, len(STYLES), style), different(rng, len(KINDS), kind), third)]
        texts = [right] + wrong
        if len(set(texts)) < 5 or text in seen:
            continue
        seen.add(text)
        gold.add((style, kind, item))
        key = [hashlib.sha256(f"{len(questions)} {t}".encode()).hexdigest()[:10] for t in texts]
        order = rng.sample(range(5), 5)
        questions.append({
            "query": text,
            "query_type": {t: int(t in types) for t in ("Specific", "Commonsense", "Negated", "Analogical", "Temporal")},
            "options": {key[i]: texts[i] for i in order},
            "answer": key[0],
            "correctness_explanation": {STYLES[style][0]: right.split()[0].lower(), item: item},
        })
    return questions, gold


if __name__ == "__main__":
    questions, _ = make()
    (OUT / "questions.json").write_text(json.dumps(questions, indent=1) + "\n")
    print(len(questions), "questions")
