#!/usr/bin/env python3
"""Writes small encoder tokenizers and reference encodings of pairs of texts, by the `tokenizers` package.

usage: python3 make_encoder_tokenizer_fixtures.py           (writes Tests/Fixtures/encoder-tokenizers)
       python3 make_encoder_tokenizer_fixtures.py fuzz OUT PAIRS SEED [tokenizer.json or questions.json ...]
       DISTTRAIN_ENCODER_TOKENIZERS=OUT swift test -c release --filter EncoderTokenizer
The second form writes PAIRS random pairs each for the small tokenizers and for the files given; with a file of
questions (objects with "query" and "options") also every question with each of its options.
needs: pip install tokenizers
"""
import json
import random
import sys
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from make_tokenizer_fixtures import MARKS, PAIRS, SCALARS, TEXTS, WORDS, random_text

BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
# Scalars whose class has changed since the reference's data, and neighbours of the blocks it knows.
ODD = [0x166D, 0x1734, 0x1885, 0x1886, 0xA9BD, 0x111C9, 0x1171E, 0xFFFD, 0, 0x7F, 0x85, 0x0B, 0x2B81F, 0x2B820, 0x2B920,
       0x2CEAF, 0x3400, 0x4DC0, 0x9FFF, 0xA000, 0xF8FF, 0xF900, 0xFB00, 0x2F800, 0x130, 0x1E9E, 0x3A3, 0xFE00, 0xE000]


def wordpiece(template=True, added=(), **normalizer):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100 if template else 9))
    tokenizer.normalizer = normalizers.BertNormalizer(**normalizer)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator([WORDS * 3, "soup \u0436\u0443\u043a \u65e5\u672c \u0915\u093f ss \u00df, e\u0301\u00e9"], trainers.WordPieceTrainer(
        vocab_size=180, special_tokens=BERT, initial_alphabet=list("abcdefghijklmnopqrstuvwxyz0123456789.,;'!?ABC"),
        show_progress=False))
    tokenizer.add_tokens(list(added))
    first, last = ("[CLS]", tokenizer.token_to_id("[CLS]")), ("[SEP]", tokenizer.token_to_id("[SEP]"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[first, last]
    ) if template else processors.BertProcessing(last, first)
    return tokenizer


def roberta():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator([WORDS * 3], trainers.BpeTrainer(
        vocab_size=340, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=ROBERTA[:4],
        show_progress=False))
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
    ids = {token: tokenizer.token_to_id(token) for token in ROBERTA}
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", ids["</s>"]), ("<s>", ids["<s>"]), trim_offsets=True, add_prefix_space=False)
    return tokenizer


def variants():
    return {
        "wordpiece-uncased": wordpiece(),
        "wordpiece-cased": wordpiece(False, lowercase=False, strip_accents=None),
        "wordpiece-accents": wordpiece(clean_text=False, handle_chinese_chars=False, strip_accents=False),
        "wordpiece-added": wordpiece(added=[
            AddedToken("Caf\u00e9", normalized=True), AddedToken("soup", single_word=True, normalized=False),
            AddedToken(" ,", lstrip=True, normalized=True), AddedToken("<X>", rstrip=True, normalized=False)]),
        "roberta": roberta(),
    }


def pairs(count, rng, contents):
    def text():
        kind = rng.random()
        if kind < 0.2:
            return rng.choice(TEXTS)
        if kind < 0.4:
            return "".join(chr(rng.choice(ODD)) + rng.choice(["", "a", " ", rng.choice(MARKS), rng.choice(PAIRS)])
                           for _ in range(rng.randint(1, 6)))
        if kind < 0.5:
            return "".join(chr(rng.choice(SCALARS)) + rng.choice(["", "a", " "]) for _ in range(rng.randint(1, 20)))
        if kind < 0.55:
            return rng.choice(["a", "soup", "\u00e9"]) * rng.choice([5, 20, 99, 100, 101])
        return random_text(rng, contents)

    for _ in range(count):
        yield text(), text(), rng.choice([5, 6, 7, 8, 9, 12, 13, 20, 33, 128, 512])


def questions(path):
    for item in json.loads(Path(path).read_text()):
        for option in item["options"].values():
            yield item["query"], option, 128
            yield item["query"], option, 16


def write(folder, text, cases):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(text)
    tokenizer = Tokenizer.from_str(text)
    tokenizer.no_padding()
    contents = [t.content for t in tokenizer.get_added_tokens_decoder().values()]
    records = []
    for first, second, limit in cases(contents):
        tokenizer.enable_truncation(limit, strategy="longest_first")
        encoding = tokenizer.encode(first, second)
        records.append([first, second, limit, encoding.ids, encoding.type_ids])
    (folder / "encodings.json").write_text(json.dumps(records))
    print(f"{folder.name}: {len(records)} cases")


def write_vocabulary(folder, tokenizer):
    """The same tokenizer as its older files say it."""
    vocabulary = tokenizer.get_vocab(with_added_tokens=False)
    (folder / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.get)) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True, "cls_token": "[CLS]"}))
    (folder / "tokenizer.json").unlink()


if __name__ == "__main__":
    if sys.argv[1:2] == ["fuzz"]:
        out, count, rng = Path(sys.argv[2]), int(sys.argv[3]), random.Random(int(sys.argv[4]))
        files = [Path(path) for path in sys.argv[5:]]
        data = [path for path in files if path.name != "tokenizer.json"]
        texts = {name: tokenizer.to_str() for name, tokenizer in variants().items()}
        texts |= {path.parent.name: path.read_text() for path in files if path.name == "tokenizer.json"}

        def cases(contents):
            yield from pairs(count, rng, contents)
            for path in data:
                yield from questions(path)
    else:
        out, rng = Path(__file__).resolve().parent.parent / "Tests" / "Fixtures" / "encoder-tokenizers", random.Random(11)
        texts = {name: tokenizer.to_str() for name, tokenizer in variants().items()}

        def cases(contents):
            yield from pairs(150, rng, contents)
    for name, text in texts.items():
        write(out / name, text, cases)
    write(out / "wordpiece-vocabulary", texts["wordpiece-uncased"], cases)
    write_vocabulary(out / "wordpiece-vocabulary", Tokenizer.from_str(texts["wordpiece-uncased"]))
