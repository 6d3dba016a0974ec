#!/usr/bin/env python3
"""Compares training steps here with PyTorch on the same machine in one run; writes Benchmarks/results/<date>-speed-<model>.md.

usage: Benchmarks/speed.py MODEL_FOLDER DATASET.json [--python PYTHON] [--precisions float32,bfloat16] [--rounds 2] [--quick]
       with --encoder, all parameters of an encoder are trained instead of an adapter
needs: swift build -c release; PYTHON with the packages of pytorch_peer.py or pytorch_encoder_peer.py (without --python only this
program is measured)
"""
import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("DISTTRAIN", str(ROOT / ".build/release/disttrain"))
RECIPE = str(ROOT / "recipes/smollm2-135m-recipe-mpr.yaml")
# Eight questions a step in two micro-batches, so that two ranks have one each.
ENCODER = [str(ROOT / "recipes/minilm-recipe-mpr.yaml"), "folds=none", "train_ratio=0.8", "val_ratio=0.1", "test_ratio=0.1",
           "per_device_train_batch_size=4", "gradient_accumulation_steps=2"]


def family(process):
    """The process ids of a process and all its descendants."""
    found = [process]
    for identifier in found:
        try:
            tasks = Path(f"/proc/{identifier}/task").iterdir()
            for task in tasks:
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def proportional_bytes(process):
    """The proportional set size of a process and its descendants: shared pages count once."""
    total = 0
    for identifier in family(process):
        try:
            for line in Path(f"/proc/{identifier}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        except OSError:
            continue
    return total


def measure(command):
    """The JSON that a command prints last, and the most memory it had."""
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
    peak = 0
    while process.poll() is None:
        peak = max(peak, proportional_bytes(process.pid))
        # Reading a process's page tables holds it up.
        time.sleep(2)
    output = process.stdout.read()
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return json.loads(output[output.index("{"):]), peak


def ours(given, precision, *settings, ranks=2):
    recipe = ENCODER if given.encoder else [RECIPE]
    command = [PROGRAM, "bench", "-n", str(ranks), "--steps", str(given.steps), "--json", *recipe,
               f"model_name_or_path={given.model}", f"dataset_path={given.data}", f"precision={precision}", *settings]
    return measure(command)


def peers(given, precision):
    script = str(ROOT / "Benchmarks" / ("pytorch_encoder_peer.py" if given.encoder else "pytorch_peer.py"))
    common = [script, given.model, given.data, "--dtype", precision, "--steps", str(given.steps) if given.encoder else "1"]
    yield "1 x 2 threads", [given.python, *common, "--threads", "2"]
    if not given.quick:
        yield "DDP, 2 x 1 thread", [given.python, "-m", "torch.distributed.run", "--nproc-per-node", "2", *common]


def row(name, rates, memory, share=""):
    return f"| {name} | {statistics.median(rates):.1f} | {memory / 2**30:.2f} GiB | {share} |"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--python")
    parser.add_argument("--precisions", default="float32,bfloat16")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--encoder", action="store_true", help="the model is an encoder")
    parser.add_argument("--quick", action="store_true", help="PyTorch in one process alone, no single rank, no completion")
    given = parser.parse_args()
    lines, summary = [], []
    for precision in given.precisions.split(","):
        rates, memory, shares, detail = [], 0, [], {}
        others = {name: [] for name, _ in peers(given, precision)} if given.python else {}
        peaks = dict.fromkeys(others, 0)
        for _ in range(given.rounds):
            detail, peak = ours(given, precision)
            rates.append(detail["tokens_per_second"])
            shares.append(detail["share_of_limit"])
            memory = max(memory, peak)
            for name, command in peers(given, precision) if given.python else []:
                result, peak = measure(command)
                others[name].append(result["tokens_per_second"])
                peaks[name] = max(peaks[name], peak)
        lines += [f"## {precision}", "", "| program | tokens/s | memory (PSS) | share of the product rate |", "|---|---|---|---|",
                  row("disttrain, 2 x 1 thread", rates, memory, f"{100 * statistics.median(shares):.0f} %")]
        lines += [row(f"PyTorch, {name}", others[name], peaks[name]) for name in others]
        if others:
            best = max(statistics.median(values) for values in others.values())
            summary.append(f"{precision}: {statistics.median(rates) / best:.2f} times the better of PyTorch's")
        lines.append("")
        if not given.quick:
            one = ours(given, precision, ranks=1)[0]["tokens_per_second"]
            lines.append(f"1 rank: {one:.1f} tokens/s, so 2 ranks are {statistics.median(rates) / one:.2f} times as fast.")
            if not given.encoder:
                answer = ours(given, precision, "loss_on=completion")[0]["tokens_per_second"]
                lines.append(f"`loss_on: completion`: {answer:.1f} tokens/s, {answer / statistics.median(rates):.2f} times.")
        lines += [f"Products alone: {detail['product_limit'] / 1e9:.0f} GFLOP/s ({detail['kernels']}).", "",
                  "Seconds per step on the root: " + ", ".join(
                      f"{name} {seconds:.2f}" for name, seconds in detail["seconds_of_root"].items()) + ".", ""]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    heading = [f"# Training steps of {Path(given.model).name}, {datetime.date.today()}", "",
               f"{detail['cpu']}, {os.cpu_count()} cores, commit {commit}, load {os.getloadavg()[0]:.1f}. Medians of "
               f"{given.rounds} rounds in turn.", "", *[f"- {line}" for line in summary], ""]
    target = ROOT / f"Benchmarks/results/{datetime.date.today()}-speed-{Path(given.model).name}.md"
    target.write_text("\n".join(heading + lines).rstrip() + "\n")
    print(target.read_text())


if __name__ == "__main__":
    main()
