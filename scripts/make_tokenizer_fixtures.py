#!/usr/bin/env python3
"""Writes small tokenizers and reference encodings for the tokenizer tests, by the `tokenizers` package.

usage: python3 make_tokenizer_fixtures.py        (writes Tests/Fixtures/tokenizers)
needs: pip install tokenizers
"""
import json
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
           r"|\s+(?!\S)|\s+")
WORDS = "a warm soup with beans that we'd like for dinner, it's 350 degrees and 12 minutes; don't use salt!\n"
TEXTS = ["", " ", "   ", "\n", "\r\n\r\n x", "I'M sure they'Re OK, it'\u017f fine'LL 'd", "12345 3.14 \u0661\u0662 \u00bd",
         "caf\u00e9 cafe\u0301 \u212b \ufb01", "\u65e5\u672c\u8a9e \ud55c\uae00 \u0928\u092e\u0938\u094d\u0924\u0947", "\U0001f469\u200d\U0001f373 \U0001f35d!!",
         "a\u00a0b\u2028c\u200bd\u0085e\u180ef\tg\x0bh", "<|im_start|>user\nhi<|im_end|>", "<|im_start|", "<|im_end|><|im_end|> x",
         "x" * 2000, "  two  spaces \n\n  lines  ", "warm bean soup with salt", "it's'm've", "...---!!!\r\n\n?", "\x00\x01\x7f"]


def build(folder, normalizer, pre_tokenizer):
    tokenizer = Tokenizer(models.BPE())
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator([WORDS * 3], trainers.BpeTrainer(
        vocab_size=340, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in ("<|endoftext|>", "<|im_start|>", "<|im_end|>")])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    cases = [{"text": t, "ids": tokenizer.encode(t).ids} for t in TEXTS]
    (folder / "encodings.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    out = Path(__file__).resolve().parent.parent / "Tests" / "Fixtures" / "tokenizers"
    build(out / "qwen-style", normalizers.NFC(), pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]))
    build(out / "gpt2-style-digits", None, pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]))
