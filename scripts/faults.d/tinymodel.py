"""Writes a small random Qwen2 model, a tokenizer of bytes and a data set: the input of the runs that are disturbed."""

import json
import math
import random
import struct
from pathlib import Path


def write_model(folder: Path, seed: int, hidden: int = 64, layers: int = 2, heads: int = 4) -> None:
    """config.json, model.safetensors and tokenizer.json in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary, intermediate = 264, 3 * hidden // 2
    head_size = hidden // heads
    config = {
        "model_type": "qwen2", "vocab_size": vocabulary, "hidden_size": hidden,
        "intermediate_size": intermediate, "num_hidden_layers": layers, "num_attention_heads": heads,
        "num_key_value_heads": heads // 2, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
        "tie_word_embeddings": True,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    generator = random.Random(seed)
    shapes = {"model.embed_tokens.weight": [vocabulary, hidden], "model.norm.weight": [hidden]}
    kv = heads // 2 * head_size
    for layer in range(layers):
        prefix = f"model.layers.{layer}."
        for norm in ("input_layernorm", "post_attention_layernorm"):
            shapes[prefix + norm + ".weight"] = [hidden]
        for name, rows in (("q", hidden), ("k", kv), ("v", kv)):
            shapes[f"{prefix}self_attn.{name}_proj.weight"] = [rows, hidden]
            shapes[f"{prefix}self_attn.{name}_proj.bias"] = [rows]
        shapes[prefix + "self_attn.o_proj.weight"] = [hidden, hidden]
        shapes[prefix + "mlp.gate_proj.weight"] = [intermediate, hidden]
        shapes[prefix + "mlp.up_proj.weight"] = [intermediate, hidden]
        shapes[prefix + "mlp.down_proj.weight"] = [hidden, intermediate]
    header, data = {}, bytearray()
    for name, shape in shapes.items():
        count = math.prod(shape)
        if "norm" in name:
            values = [1 + 0.2 * (2 * generator.random() - 1) for _ in range(count)]
        else:
            scale = 1.5 / math.sqrt(shape[-1]) if len(shape) > 1 else 0.3
            values = [scale * (2 * generator.random() - 1) for _ in range(count)]
        start = len(data)
        data += struct.pack(f"<{count}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, len(data)]}
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    (folder / "tokenizer.json").write_text(json.dumps(byte_tokenizer()))


def byte_tokenizer() -> dict:
    """GPT-2's alphabet of bytes without merges, but the letters of answers are one token with their space."""
    vocabulary, other = {}, 256
    for byte in range(256):
        if 0x21 <= byte <= 0x7E or 0xA1 <= byte <= 0xAC or 0xAE <= byte <= 0xFF:
            vocabulary[chr(byte)] = byte
        else:
            vocabulary[chr(other)] = byte
            other += 1
    for index, letter in enumerate("ABCDE"):
        vocabulary["\u0120" + letter] = 256 + index
    return {
        "version": "1.0", "added_tokens": [], "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
        "post_processor": None, "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "vocab": vocabulary, "merges": [f"\u0120 {letter}" for letter in "ABCDE"]},
    }


def write_questions(path: Path, count: int, seed: int) -> None:
    """Questions in the data set's schema, the right option first."""
    generator = random.Random(seed)
    words = "soup bread rice fish beans cake salad stew pie roast curry toast".split()
    questions = []
    for index in range(count):
        options = {f"id{index}-{o}": f"{word} {o}" for o, word in enumerate(generator.sample(words, 5))}
        questions.append({
            "query": f"Which dish goes with {generator.choice(words)} number {index}?",
            "query_type": {"Specific": index % 2, "Commonsense": int(index % 3 == 0)},
            "options": options, "answer": f"id{index}-0", "correctness_explanation": {},
        })
    path.write_text(json.dumps(questions))
