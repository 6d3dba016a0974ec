#!/usr/bin/env python3
"""Writes small tokenizers, reference encodings and Unicode data for the tokenizer tests, by the `tokenizers` package.

usage: python3 make_tokenizer_fixtures.py                 (writes Tests/Fixtures/tokenizers and CanonicalMappings.swift)
       python3 make_tokenizer_fixtures.py fuzz OUT TEXTS SEED [tokenizer.json ...]
       DISTTRAIN_TOKENIZERS=OUT swift test -c release --filter Tokenizer
The second form writes TEXTS random texts each for the small tokenizers, for fresh random variants of them and for the
files given, in the form that the tests read.
needs: pip install tokenizers
"""
import json
import random
import shutil
import sys
import unicodedata
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
           r"|\s+(?!\S)|\s+")
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
WORDS = "a warm soup with beans that we'd like for dinner, it's 350 degrees and 12 minutes; don't use salt!\n"
TEXTS = ["", " ", "   ", "\n", "\r\n\r\n x", "I'M sure they'Re OK, it'\u017f fine'LL 'd", "12345 3.14 \u0661\u0662 \u00bd",
         "caf\u00e9 cafe\u0301 \u212b \ufb01", "\u65e5\u672c\u8a9e \ud55c\uae00 \u0928\u092e\u0938\u094d\u0924\u0947", "\U0001f469\u200d\U0001f373 \U0001f35d!!",
         "a\u00a0b\u2028c\u200bd\u0085e\u180ef\tg\x0bh", "<|im_start|>user\nhi<|im_end|>", "<|im_start|", "<|im_end|><|im_end|> x",
         "x" * 2000, "  two  spaces \n\n  lines  ", "warm bean soup with salt", "it's'm've", "...---!!!\r\n\n?", "\x00\x01\x7f",
         "\U00011935\U00011930 \U00011de1\U00016ff4 1\u08c8\u10efd\u0334", "\uac00\u11a8 \u1112\u1161\u11ab e\u0334\u0301\u0323"]
SPECIAL = [AddedToken(t, normalized=False) for t in ("<|endoftext|>", "<|im_start|>", "<|im_end|>")]
FLAGS = [AddedToken("<l>", lstrip=True, normalized=False), AddedToken("<r>", rstrip=True, normalized=False),
         AddedToken("<lr>", lstrip=True, rstrip=True, normalized=True), AddedToken("soup", single_word=True, normalized=False),
         AddedToken("<l><r>", normalized=False), AddedToken("r><", normalized=False), AddedToken("caf\u00e9", normalized=True),
         AddedToken("x\u0301\u0323", normalized=True), AddedToken("e\u0301", normalized=False), AddedToken("we", single_word=True),
         AddedToken("\n\n", normalized=False), AddedToken(" ,", lstrip=True, single_word=True, normalized=True),
         AddedToken("bean", normalized=True), AddedToken("beans so", normalized=True)]
# Canonical pairs younger than the tables of this Python.
YOUNG_PAIRS = ["\U000105d2\u0307", "\U000105da\u0307", "\U00011382\U000113c9", "\U00011384\U000113bb", "\U0001138b\U000113c2",
               "\U00011390\U000113c9", "\U000113c2\U000113c2", "\U000113c2\U000113b8", "\U000113c2\U000113c9",
               "\U0001611e\U0001611e", "\U0001611e\U00016129", "\U0001611e\U0001611f", "\U0001611e\U00016120",
               "\U00016121\U0001611f", "\U00016122\U0001611f", "\U00016129\U0001611f", "\U00016d67\U00016d67",
               "\U00016d63\U00016d67", "\U00016d69\U00016d67"]
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
PAIRS = ["".join(chr(int(x, 16)) for x in d.split()) for d in (unicodedata.decomposition(chr(c)) for c in SCALARS)
         if d and d[0] != "<"] + YOUNG_PAIRS
MARKS = [chr(c) for c in SCALARS if unicodedata.combining(chr(c))]
DIGITS = [chr(c) for c in SCALARS if unicodedata.category(chr(c))[0] == "N"]


def sequence(*parts):
    return pre_tokenizers.Sequence(list(parts))


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def byte_level(space=False, regex=True):
    return pre_tokenizers.ByteLevel(add_prefix_space=space, use_regex=regex)


def digits(individually=True):
    return pre_tokenizers.Digits(individual_digits=individually)


def build(normalizer, pre_tokenizer, added=SPECIAL, alphabet=None, **options):
    tokenizer = Tokenizer(models.BPE())
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator([WORDS * 3], trainers.BpeTrainer(
        vocab_size=340, initial_alphabet=alphabet or pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    model = json.loads(tokenizer.to_str())["model"]
    vocab = model["vocab"]
    for token in options.pop("unmerged", []):
        vocab[token] = len(vocab)
    tokenizer.model = models.BPE(vocab=vocab, merges=[tuple(m) for m in model["merges"]], **options)
    tokenizer.add_special_tokens([t for t in added if t in SPECIAL])
    tokenizer.add_tokens([t for t in added if t not in SPECIAL])
    return tokenizer


def variants():
    nfc = normalizers.NFC()
    qwen = sequence(split(PATTERN), byte_level(regex=False))
    some = [chr(c) for c in range(0x21, 0x7F)] + ["\u0120", "\u010a"]
    return {
        "qwen-style": build(nfc, qwen),
        "gpt2-style-digits": build(None, sequence(digits(), byte_level())),
        "gpt2-prefix-space": build(nfc, byte_level(space=True), FLAGS),
        "added-flags": build(nfc, qwen, SPECIAL + FLAGS),
        "digit-runs-prefix-space": build(None, sequence(digits(False), split(GPT2), byte_level(True, False))),
        "whole-tokens": build(nfc, qwen, ignore_merges=True, unmerged=["\u0120soups", "salty", "\u00c3\u00a9e"]),
        "unknown-bytes": build(None, byte_level(), alphabet=some, unk_token="!", fuse_unk=True),
        "missing-bytes": build(nfc, byte_level(), FLAGS, alphabet=some),
    }


def random_variant(rng):
    """A tokenizer of random parts with random added tokens, their flags and overlaps."""
    pieces = ["a", "b", " ", "  ", "<", ">", "ab", "e", "\u00e9", "e\u0301", "\u0301", "'s", "1", "\n", "\u212b", "\ud55c", "soup"]
    contents = {"".join(rng.choice(pieces) for _ in range(rng.randint(1, 3))) for _ in range(12)}
    flag = lambda: rng.random() < 0.3
    added = [AddedToken(c, lstrip=flag(), rstrip=flag(), single_word=flag(), normalized=rng.random() < 0.5, special=flag())
             for c in sorted(contents)]
    parts = rng.choice([[split(PATTERN)], [split(GPT2)], [], [digits(flag())], [digits(), split(PATTERN)]])
    return build(normalizers.NFC() if rng.random() < 0.6 else None,
                 sequence(*parts, byte_level(flag(), rng.random() < 0.5)), added, ignore_merges=flag())


def random_text(rng, contents):
    def word():
        return rng.choice(WORDS.split())

    def cut():
        token = rng.choice(contents) if contents else "<|x|>"
        return token[rng.randint(0, 1):rng.randint(1, len(token))]

    def case(text):
        return "".join(rng.choice((c.lower(), c.upper())) for c in text)

    kinds = [
        word, word, lambda: " " * rng.choice([1, 1, 1, 2, 3, 7]), lambda: rng.choice(["\n", "\r\n", "\n\n", "\t", "\r", " \n "]),
        lambda: "'" + case(rng.choice(["s", "t", "re", "ve", "m", "ll", "d", "x", "\u017f", "r", "v"])),
        lambda: "".join(rng.choice("0123456789") for _ in range(rng.randint(1, 6))), lambda: rng.choice(DIGITS),
        lambda: rng.choice(contents or ["<"]), lambda: rng.choice(contents or ["<"]), cut,
        lambda: "".join(rng.choice(MARKS) for _ in range(rng.randint(1, 4))), lambda: rng.choice(PAIRS),
        lambda: rng.choice("aeouAEnIi\u0915\u0f40\u1100\u304b\u03b1") + rng.choice(PAIRS)[-1] + rng.choice(MARKS),
        lambda: chr(rng.randint(0x1100, 0x1112)) + chr(rng.randint(0x1161, 0x1175)) + rng.choice(["", chr(rng.randint(0x11A7, 0x11C3))]),
        lambda: chr(rng.randint(0xAC00, 0xD7A3)) + rng.choice(["", "\u11a8", "\u1161"]),
        lambda: chr(rng.choice(SCALARS)), lambda: chr(rng.randrange(0xD800)), lambda: chr(rng.randrange(0x300)),
        lambda: chr(rng.randrange(0x900, 0x1000)) + chr(rng.randrange(0x900, 0x1000)), lambda: chr(rng.randrange(0x10000, 0x20000)),
        lambda: rng.choice("\u00a0\u1680\u2003\u2028\u202f\u3000\u0085\u180e\u200b\u200d\ufeff\x00\x1f\x7f\x0b\x0c\x1c"),
        lambda: rng.choice("\U0001f469\u2764\U0001f3fd") + rng.choice(["\u200d", "\ufe0f", "\U0001f3fd"]) + rng.choice("\U0001f373\U0001f680"),
        lambda: rng.choice(YOUNG_PAIRS), lambda: "".join(rng.choice("!?.,-_'\"<>|()[]{}#$%") for _ in range(rng.randint(1, 4))),
    ]
    return "".join(rng.choice(kinds)() for _ in range(rng.randint(1, 14)))


BYTE_OF = {c: b for b, c in zip([*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)],
                                map(chr, [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]))}
BYTE_OF.update(zip(map(chr, range(0x100, 0x144)), (b for b in range(256) if b not in set(BYTE_OF.values()))))


def decode(tokenizer, ids, added):
    """The text of ids: an added token is its content, any other the bytes that its characters stand for."""
    content = b""
    for i in ids:
        token = added.get(i) or tokenizer.id_to_token(i)
        is_bytes = i not in added and all(c in BYTE_OF for c in token)
        content += bytes(BYTE_OF[c] for c in token) if is_bytes else token.encode()
    text = content.decode("utf-8", "replace")
    assert text == tokenizer.decode(ids, skip_special_tokens=False) or added.keys() & set(ids)
    return text


def write(folder, tokenizer, texts):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(tokenizer if isinstance(tokenizer, str) else tokenizer.to_str())
    # Read back: what a file means is the question.
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    added = {i: t.content for i, t in tokenizer.get_added_tokens_decoder().items()}
    cases = []
    for text in texts(list(added.values())):
        try:
            ids = tokenizer.encode(text).ids
        except BaseException as error:  # the reference panics where tokens that strip space overlap
            print(f"{folder.name}: the reference fails on {text!r}: {str(error)[:60]}", file=sys.stderr)
            continue
        cases.append({"text": text, "ids": ids, "decoded": decode(tokenizer, ids, added)})
    rng = random.Random(len(cases))
    some = sorted(tokenizer.get_vocab(with_added_tokens=False).values())
    for _ in range(len(cases) // 10):
        ids = [rng.choice(some) for _ in range(rng.randint(0, 12))]
        cases.append({"ids": ids, "decoded": decode(tokenizer, ids, added)})
    (folder / "encodings.json").write_text(json.dumps(cases))
    print(f"{folder.name}: {len(cases)} cases")


def ranges(scalars):
    """[first, last] of each run of consecutive numbers."""
    result = []
    for c in sorted(scalars):
        if result and result[-1][1] == c - 1:
            result[-1][1] = c
        else:
            result.append([c, c])
    return result


def removed_by(pre_tokenizer):
    found = set()
    for start in range(0, len(SCALARS), 4096):
        chunk = "".join(map(chr, SCALARS[start:start + 4096]))
        found |= set(chunk) - {c for piece, _ in pre_tokenizer.pre_tokenize_str(chunk) for c in piece}
    return {ord(c) for c in found}


def unicode_data():
    """What the reference takes each scalar for, and how it composes single scalars, pairs and marks."""
    nfc, individually = normalizers.NFC().normalize_str, digits()
    words = Tokenizer(models.BPE(vocab={"-": 0}, merges=[]))
    words.add_tokens([AddedToken("=", single_word=True, normalized=False)])
    by_class = {}
    for mark in MARKS:
        if unicodedata.combining(mark) == 1 or nfc("\u0378" + mark + "\u0334") == "\u0378\u0334" + mark:
            by_class.setdefault(unicodedata.combining(mark), mark)
    # One mark of each class, in order: behind which of them another mark comes to stand tells its class.
    ladder = "".join(by_class[c] for c in sorted(by_class))
    places = [(c, nfc("\u0378" + ladder + chr(c)).index(chr(c)) - 1) for c in SCALARS
              if nfc(chr(c)) == chr(c) and chr(c) not in ladder and unicodedata.category(chr(c))[0] in "MC" and c < 0x30000]
    behind = {}
    for c, place in places:
        if place < len(ladder):
            behind.setdefault(place, []).append(c)
    return {
        "letters": ranges(removed_by(pre_tokenizers.Split(Regex(r"\p{L}"), "removed"))),
        "numbers": ranges(removed_by(pre_tokenizers.Split(Regex(r"\p{N}"), "removed"))),
        "spaces": ranges(removed_by(pre_tokenizers.Split(Regex(r"\s"), "removed"))),
        "digits": ranges(c for c in SCALARS if len(individually.pre_tokenize_str("a" + chr(c))) == 2),
        "words": ranges(c for c in SCALARS if chr(c) != "=" and not words.encode(chr(c) + "=").ids),
        "composed": [[chr(c), nfc(chr(c))] for c in SCALARS if nfc(chr(c)) != chr(c)],
        "pairs": [[p, nfc(p)] for p in PAIRS if len(p) == 2],
        "ladder": ladder,
        "marks": [[place, ranges(found)] for place, found in sorted(behind.items())],
    }


def canonical_mappings():
    """CanonicalMappings.swift: what composes and what decomposes in the reference."""
    nfc, nfd, by_second = normalizers.NFC().normalize_str, normalizers.NFD().normalize_str, {}
    for pair in sorted(set(PAIRS)):
        if len(pair) == 2 and len(nfc(pair)) == 1:
            by_second.setdefault(pair[1], []).append(pair[0] + nfc(pair))
    composites = {pair[1] for found in by_second.values() for pair in found}
    others = [(chr(c), nfd(chr(c))) for c in SCALARS
              if nfd(chr(c)) != chr(c) and chr(c) not in composites and not 0xAC00 <= c <= 0xD7A3]
    escape = lambda text: "".join(f"\\u{{{ord(c):X}}}" for c in text)
    # As it is where no editor could take it for something else.
    shown = lambda text: "".join(c if unicodedata.category(c)[0] == "L" and nfc(c) == c else escape(c) for c in text)
    chunks = lambda found, size: [found[start:start + size] for start in range(0, len(found), size)]
    lines = ["// swift-format-ignore-file", "// Written by scripts/make_tokenizer_fixtures.py.", "",
             "/// Canonical pairs that compose (UAX 15, D114) by their second scalar: each first scalar and its composite.",
             "let canonicalPairs: [(second: Unicode.Scalar, firstsAndComposites: String)] = ["]
    for second, found in sorted(by_second.items()):
        lines += [f'  ("{escape(second)}", "{shown("".join(part))}"),' for part in chunks(found, 30)]
    lines += ["]", "", "/// Scalars that decompose and do not compose again, each with its whole decomposition.",
              "let canonicalExpansions: [(scalar: Unicode.Scalar, expansion: String)] = ["]
    lines += ["  " + " ".join(f'("{escape(c)}", "{shown(d)}"),' for c, d in part) for part in chunks(others, 5)]
    return "\n".join([*lines, "]", ""])


def main():
    root = Path(__file__).resolve().parent.parent / "Tests" / "Fixtures" / "tokenizers"
    if sys.argv[1:2] != ["fuzz"]:
        rng = random.Random(1)
        for name, tokenizer in variants().items():
            write(root / name, tokenizer, lambda contents: TEXTS + [random_text(rng, contents) for _ in range(80)])
        (root.parents[2] / "Sources" / "Model" / "Tokenizer" / "CanonicalMappings.swift").write_text(canonical_mappings())
        (root / "unicode.json").write_text(json.dumps(unicode_data(), separators=(",", ":")))
        return
    out, count, rng = Path(sys.argv[2]), int(sys.argv[3]), random.Random(int(sys.argv[4]))
    shutil.rmtree(out, ignore_errors=True)
    texts = lambda contents: (random_text(rng, contents) for _ in range(count))
    for number, path in enumerate(sys.argv[5:]):
        write(out / f"file-{number}", Path(path).read_text(), texts)
    for name, tokenizer in variants().items():
        write(out / name, tokenizer, texts)
    for number in range(20):
        write(out / f"random-{number}", random_variant(rng), texts)


if __name__ == "__main__":
    main()
