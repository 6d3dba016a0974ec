#!/usr/bin/env python3
"""Writes the reference values of the golden tests: tiny random models, computed by PyTorch, transformers and PEFT.

usage: python3 make_golden.py [OUT]        (default: Tests/Fixtures/golden beside this folder)
needs: pip install torch transformers peft safetensors

Each case is a folder with model/ (Hugging Face), adapter/ (PEFT, A and B not zero), cases.json (sequences, prompt
lengths, losses, gradient norms, trajectory) and expected.safetensors:
  base_logits.I, logits.I           [tokens, vocabulary] without and with the adapter
  grad.NAME, grad_answer.NAME       gradients of the mean loss over all tokens, and over the answers alone
  after.NAME                        the adapter after `steps` updates (AdamW, clipping, linear schedule with warmup)
"""
import copy
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM
from transformers import get_linear_schedule_with_warmup

STEPS, WARMUP, RATE, DECAY, CLIP = 5, 1, 0.008, 0.02, 0.7
LENGTHS = [(14, 11), (5, 2), (70, 66)]  # tokens, prompt tokens; one is longer than a block of attention


def qwen2(**changes):
    sizes = dict(vocab_size=160, hidden_size=40, intermediate_size=72, num_hidden_layers=2, num_attention_heads=5,
                 num_key_value_heads=1, max_position_embeddings=128, rope_theta=5e5, tie_word_embeddings=False)
    return Qwen2ForCausalLM(Qwen2Config(**(sizes | changes)))


def qwen3(**changes):
    sizes = dict(vocab_size=144, hidden_size=48, intermediate_size=56, num_hidden_layers=2, num_attention_heads=6,
                 num_key_value_heads=3, head_dim=16, max_position_embeddings=128, rope_theta=1e6,
                 tie_word_embeddings=True)
    return Qwen3ForCausalLM(Qwen3Config(**(sizes | changes)))


CASES = {
    "qwen2-float16-sharded": (qwen2, torch.float16, ["q_proj", "v_proj", "down_proj"], 5, 10, "20KB"),
    "qwen3-bfloat16": (qwen3, torch.bfloat16,
                       ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"], 2, 8, "5GB"),
}


def randomize(parameters, spread):
    for name, parameter in parameters:
        noise = torch.randn_like(parameter)
        if name.endswith("norm.weight"):
            parameter.data = 1 + 0.15 * noise
        elif name.endswith("bias"):
            parameter.data = 0.2 * noise
        else:
            parameter.data = noise * spread / parameter.shape[-1] ** 0.5


def main(out):
    for index, (name, (make, kind, targets, rank, alpha, shard)) in enumerate(CASES.items()):
        torch.manual_seed(100 + index)
        folder = out / name
        model = make().eval()
        model.set_attn_implementation("eager")
        randomize(model.named_parameters(), 0.9)
        for parameter in model.parameters():
            parameter.data = parameter.data.to(kind).float()
        # A copy, because a conversion of the whole model would round its rotary frequencies as well.
        copy.deepcopy(model).to(kind).save_pretrained(folder / "model", max_shard_size=shard)
        vocabulary = model.config.vocab_size
        sequences = [torch.randint(0, vocabulary, (tokens,)) for tokens, _ in LENGTHS]
        expected = {}
        with torch.no_grad():
            for i, sequence in enumerate(sequences):
                expected[f"base_logits.{i}"] = model(input_ids=sequence[None]).logits[0]
        adapted = get_peft_model(model, LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=0.0,
                                                   target_modules=targets, task_type="CAUSAL_LM"))
        trained = {n.replace(".default", ""): p for n, p in adapted.named_parameters() if p.requires_grad}
        randomize(trained.items(), 0.5)
        adapted.save_pretrained(folder / "adapter")
        with torch.no_grad():
            for i, sequence in enumerate(sequences):
                expected[f"logits.{i}"] = adapted(input_ids=sequence[None]).logits[0]

        def mean_loss(answers):
            total, count = 0.0, 0
            for sequence, (_, prompt) in zip(sequences, LENGTHS):
                first = prompt - 1 if answers else 0
                logits = adapted(input_ids=sequence[None]).logits[0, :-1][first:]
                total = total + F.cross_entropy(logits, sequence[1:][first:], reduction="sum")
                count += len(sequence) - 1 - first
            return total / count, count

        record = dict(sequences=[s.tolist() for s in sequences], prompt_lengths=[p for _, p in LENGTHS], steps=STEPS,
                      learning_rate=RATE, warmup_steps=WARMUP, weight_decay=DECAY, max_grad_norm=CLIP, r=rank,
                      lora_alpha=alpha, trajectory=[])
        for answers, key, prefix in ((False, "full", "grad."), (True, "answer", "grad_answer.")):
            adapted.zero_grad()
            loss, count = mean_loss(answers)
            loss.backward()
            norm = sum(p.grad.double().square().sum() for p in trained.values()).sqrt()
            record |= {f"loss_{key}": loss.item(), f"predicted_tokens_{key}": count, f"grad_norm_{key}": norm.item()}
            expected |= {prefix + n: p.grad.clone() for n, p in trained.items()}
        optimizer = torch.optim.AdamW(trained.values(), lr=RATE, weight_decay=DECAY)
        schedule = get_linear_schedule_with_warmup(optimizer, WARMUP, STEPS)
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss, _ = mean_loss(False)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(trained.values(), CLIP)
            record["trajectory"].append(dict(loss=loss.item(), grad_norm=norm.item(),
                                             learning_rate=schedule.get_last_lr()[0]))
            optimizer.step()
            schedule.step()
        expected |= {"after." + n: p.detach().clone() for n, p in trained.items()}
        save_file({n: t.float().contiguous() for n, t in expected.items()}, folder / "expected.safetensors")
        (folder / "cases.json").write_text(json.dumps(record))
        (folder / "adapter" / "README.md").unlink(missing_ok=True)
        (folder / "model" / "generation_config.json").unlink(missing_ok=True)
        print(name, record["loss_full"], record["grad_norm_full"])


if __name__ == "__main__":
    default = Path(__file__).resolve().parent.parent / "Tests" / "Fixtures" / "golden"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
