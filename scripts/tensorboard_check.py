"""Kills a run, resumes it, and reads its event files with TensorBoard's own readers.

What they show must be what metrics.jsonl and results.json say: each step once, in order, with the right values.

    python3 scripts/tensorboard_check.py [--binary .build/release/disttrain] [--kills 3]
"""

import argparse
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator

TAGS = {"loss": "train/loss", "learning_rate": "train/learning_rate", "grad_norm": "train/grad_norm",
        "eval_loss": "eval/loss", "eval_accuracy": "eval/accuracy"}
SETTINGS = ["num_train_epochs=6", "logging_steps=3", "eval_steps=7", "save_steps=10", "save_total_limit=1000"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, default=Path(".build/release/disttrain"))
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def log_lines(run):
    try:
        return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    except FileNotFoundError:
        return []


def start(binary, run, resumes):
    more = ["resume_from_checkpoint=auto", "overwrite_output_dir=false"] if resumes else []
    command = [str(binary), "demo", "-n", "1", f"output_dir={run}", *SETTINGS, *more]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def kill_past(binary, run, resumes, step):
    """Ends the run with SIGKILL once its log is past `step` and past its newest checkpoint, so that a tail is lost."""
    process = start(binary, run, resumes)
    while process.poll() is None:
        lines = log_lines(run)
        last = lines[-1]["step"] if lines else 0
        saved = max((int(path.stem[5:]) for path in (run / "checkpoints").glob("step-*.h5")), default=0)
        if last >= step and last > saved:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            lines = log_lines(run)
            return lines[-1]["step"], saved
        time.sleep(0.0005)
    raise SystemExit("the run ended before it could be killed")


def expected(run):
    """Tag -> [(step, value)] as the run's own files say."""
    curves = {}
    for line in log_lines(run):
        for key, tag in TAGS.items():
            if key in line:
                curves.setdefault(tag, []).append((line["step"], line[key]))
        if "loss" in line:
            curves.setdefault("train/epoch", []).append((line["step"], line["epoch"]))
        if "seconds" in line:
            curves.setdefault("perf/tokens_per_second", []).append((line["step"], line["tokens"] / line["seconds"]))
    last = log_lines(run)[-1]["step"]
    metrics = json.loads((run / "results.json").read_text())["metrics"]
    curves["test/accuracy"] = [(last, metrics["overall_accuracy"] / 100)]
    for name, value in metrics["query_type_accuracy"].items():
        if value is not None:
            curves[f"test/accuracy/{name}"] = [(last, value / 100)]
    return curves


def scalars_of(reader):
    reader.Reload()
    return {tag: [(e.step, e.value) for e in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


def tensors_of(reader):
    """The reader behind TensorBoard's page, which turns simple values into tensors."""
    from tensorboard.util import tensor_util

    reader.Reload()
    return {tag: [(e.step, float(tensor_util.make_ndarray(e.tensor_proto))) for e in reader.Tensors(tag)]
            for tag in reader.Tags()["tensors"]}


def differences(found, wanted):
    texts = [f"tags {sorted(set(found) ^ set(wanted))}"] if set(found) != set(wanted) else []
    for tag in sorted(set(found) & set(wanted)):
        steps = [step for step, _ in found[tag]]
        if steps != sorted(set(steps)):
            texts.append(f"{tag}: steps are not each once and in order")
        if steps != [step for step, _ in wanted[tag]]:
            texts.append(f"{tag}: {len(steps)} other steps than the log's {len(wanted[tag])}")
        elif not all(math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-12) for (_, a), (_, b) in zip(found[tag], wanted[tag])):
            texts.append(f"{tag}: other values")
    return texts


def main():
    options = arguments()
    randomness = random.Random(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="tensorboard-"))
    run = folder / "run"
    step = 0
    for number in range(options.kills):
        step += randomness.randrange(12, 24)
        last, saved = kill_past(options.binary, run, number > 0, step)
        print(f"killed after the line of step {last}; newest checkpoint {saved}")
        step = saved
    if start(options.binary, run, True).wait() != 0:
        raise SystemExit(f"the resumed run failed; see {run}")
    wanted, files = expected(run), sorted((run / "tensorboard").iterdir())
    size = {event_accumulator.TENSORS: 0, event_accumulator.SCALARS: 0}
    readers = {
        "event_accumulator": scalars_of(event_accumulator.EventAccumulator(str(run / "tensorboard"), size_guidance=size)),
        "plugin_event_accumulator": tensors_of(
            plugin_event_accumulator.EventAccumulator(str(run / "tensorboard"), size_guidance=size)),
    }
    wrong = 0
    for name, found in readers.items():
        texts = differences(found, wanted)
        wrong += len(texts)
        points = sum(len(points) for points in found.values())
        print(f"{name}: {len(found)} tags, {points} points of {len(files)} files; {'; '.join(texts) or 'all right'}")
    if wrong == 0:
        shutil.rmtree(folder)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
