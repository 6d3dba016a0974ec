#!/usr/bin/env python3
"""Writes the reference values of the encoders' golden tests: tiny random models, computed by PyTorch and transformers.

usage: python3 make_encoder_golden.py [OUT]        (default: Tests/Fixtures/golden beside this folder)
needs: pip install torch transformers safetensors

Each case is a folder with model/ (Hugging Face), cases.json (questions as padded [questions][options][tokens], answers,
losses, trajectory) and expected.safetensors:
  logits            [questions, options]
  grad.NAME         gradients of the mean loss over questions, with label smoothing
  after.NAME        every parameter after `steps` updates (AdamW, clipping, no decay of biases and LayerNorms)
"""
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForMultipleChoice, DistilBertConfig, DistilBertForMultipleChoice
from transformers import RobertaConfig, RobertaForMultipleChoice

STEPS, RATE, DECAY, CLIP, SMOOTHING = 4, 0.002, 0.03, 0.8, 0.15
LENGTHS = [[7, 12, 1], [67, 5, 9]]  # tokens of each option; one is longer than a block of attention


def without_dropout(*names):
    return {name: 0.0 for name in names}


def bert():
    return BertForMultipleChoice(BertConfig(
        vocab_size=90, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
        max_position_embeddings=70, **without_dropout("hidden_dropout_prob", "attention_probs_dropout_prob")))


def roberta():
    return RobertaForMultipleChoice(RobertaConfig(
        vocab_size=80, hidden_size=20, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48,
        max_position_embeddings=71, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1,
        **without_dropout("hidden_dropout_prob", "attention_probs_dropout_prob")))


def distilbert():
    return DistilBertForMultipleChoice(DistilBertConfig(
        vocab_size=85, dim=24, n_layers=2, n_heads=4, hidden_dim=36, max_position_embeddings=68,
        **without_dropout("dropout", "attention_dropout", "seq_classif_dropout")))


CASES = {
    "bert-old-names": (bert, torch.float32),
    "distilbert-float16": (distilbert, torch.float16),
    "roberta-bfloat16": (roberta, torch.bfloat16),
}


def is_norm(name):
    return "LayerNorm" in name or "layer_norm" in name


def randomize(model, kind):
    for name, parameter in model.named_parameters():
        noise = torch.randn_like(parameter)
        if is_norm(name) and name.endswith("weight"):
            value = 1 + 0.15 * noise
        else:
            value = noise * (0.2 if name.endswith("bias") else 1.2 / parameter.shape[-1] ** 0.5)
        parameter.data = value.to(kind).float()


def questions(config, has_types):
    longest = max(max(lengths) for lengths in LENGTHS)
    pad = config.pad_token_id
    shape = (len(LENGTHS), len(LENGTHS[0]), longest)
    ids, mask, types = torch.full(shape, pad), torch.zeros(shape).long(), torch.zeros(shape).long()
    for question, lengths in enumerate(LENGTHS):
        for option, length in enumerate(lengths):
            ids[question, option, :length] = torch.randint(3, config.vocab_size, (length,))
            mask[question, option, :length] = 1
            if has_types:
                types[question, option, length // 2:length] = 1
    # A text may contain the padding token itself.
    ids[0, 1, 4] = pad
    return dict(input_ids=ids, attention_mask=mask, token_type_ids=types)


def main(out):
    for index, (name, (make, kind)) in enumerate(CASES.items()):
        torch.manual_seed(200 + index)
        folder = out / name
        model = make().train()
        model.set_attn_implementation("eager")
        randomize(model, kind)
        model.to(kind).save_pretrained(folder / "model")
        model.float()
        if name.endswith("old-names"):
            path = folder / "model" / "model.safetensors"
            tensors = {n.removeprefix("bert.").replace("LayerNorm.weight", "LayerNorm.gamma")
                       .replace("LayerNorm.bias", "LayerNorm.beta"): t for n, t in load_file(path).items()}
            tensors["embeddings.position_ids"] = torch.arange(70)[None]
            save_file(tensors, path)
        inputs = questions(model.config, make is bert)
        answers = torch.tensor([2, 0])
        arguments = dict(inputs)
        if make is not bert:
            del arguments["token_type_ids"]
        parameters = dict(model.named_parameters())

        def loss_of(smoothing):
            return F.cross_entropy(model(**arguments).logits, answers, label_smoothing=smoothing)

        expected = {"logits": model(**arguments).logits.detach().clone()}
        loss = loss_of(SMOOTHING)
        loss.backward()
        expected |= {"grad." + n: p.grad.clone() for n, p in parameters.items()}
        record = {key: value.tolist() for key, value in inputs.items()} | dict(
            labels=answers.tolist(), label_smoothing=SMOOTHING, loss=loss.item(),
            loss_unsmoothed=loss_of(0.0).item(), steps=STEPS, learning_rate=RATE, weight_decay=DECAY,
            max_grad_norm=CLIP, trajectory=[])
        still = [p for n, p in parameters.items() if is_norm(n) or n.endswith("bias")]
        decaying = [p for n, p in parameters.items() if not (is_norm(n) or n.endswith("bias"))]
        optimizer = torch.optim.AdamW([dict(params=decaying, weight_decay=DECAY),
                                       dict(params=still, weight_decay=0.0)], lr=RATE)
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = loss_of(SMOOTHING)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(parameters.values(), CLIP)
            record["trajectory"].append(dict(loss=loss.item(), grad_norm=norm.item()))
            optimizer.step()
        expected |= {"after." + n: p.detach().clone() for n, p in parameters.items()}
        save_file({n: t.float().contiguous() for n, t in expected.items()}, folder / "expected.safetensors")
        (folder / "cases.json").write_text(json.dumps(record))
        print(name, record["loss"], record["trajectory"][-1])


if __name__ == "__main__":
    default = Path(__file__).resolve().parent.parent / "Tests" / "Fixtures" / "golden"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
