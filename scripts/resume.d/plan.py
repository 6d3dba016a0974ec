"""Which runs are stopped where, and continued with how many ranks."""

import json
import random
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from run import Difference, Stop, TooLate, fingerprint

PARTS = ["matrix", "settings", "ranks", "stops", "kernels"]
TITLES = {
    "matrix": "After every step, 1 to 3 ranks before and after",
    "settings": "After every checkpoint, other settings, ranks at random",
    "ranks": "After every step, up to 8 ranks",
    "stops": "Stopped at random moments, two to four times in a row",
    "kernels": "OPENBLAS_CORETYPE the same before and after, ranks at random",
}

# 16 examples in windows of five: the last window of each of the three epochs has one example, fewer than there are ranks.
# The warmup ends in the second epoch; validation and log fall on and between the ends of epochs.
BASE = {
    "num_train_epochs": "3", "gradient_accumulation_steps": "5", "per_device_train_batch_size": "1", "lora_r": "3",
    "lora_dropout": "0.2", "learning_rate": "0.01", "warmup_steps": "6", "max_grad_norm": "0.5", "logging_steps": "2",
    "eval_steps": "3", "save_steps": "1", "save_total_limit": "100", "option_order": "reshuffled", "shuffle": "true",
    "train_ratio": "0.67", "val_ratio": "0.16", "test_ratio": "0.17",
}
# What changes the order or the amount of work, one thing at a time or those that belong together.
VARIANTS = {
    "no dropout": {"lora_dropout": "0"},
    "no clipping": {"max_grad_norm": "0"},
    "no shuffling, one order of options": {"shuffle": "false", "option_order": "dataset"},
    "options shuffled once": {"option_order": "shuffled"},
    "warm-up to the last step but one, cosine": {"warmup_steps": "11", "lr_scheduler_type": "cosine"},
    "half of it warm-up, then constant": {"warmup_steps": "0.5", "lr_scheduler_type": "constant"},
    "three sequences a batch, ragged": {"per_device_train_batch_size": "3", "gradient_accumulation_steps": "2"},
    "prompts truncated, four a batch": {"max_length": "120", "per_device_train_batch_size": "4",
                                        "gradient_accumulation_steps": "3", "num_train_epochs": "5"},
    "an epoch is one step": {"gradient_accumulation_steps": "40", "num_train_epochs": "8"},
    "a step is one sequence": {"gradient_accumulation_steps": "1", "num_train_epochs": "1", "warmup_steps": "3"},
    "two and a half epochs": {"num_train_epochs": "2.5"},
    "steps instead of epochs": {"max_steps": "7"},
    "loss on answers, counted as labels": {"loss_on": "completion", "loss_normalization": "labels"},
    "open questions, options scored": {"prompt_template": "open", "score": "option"},
    "two projections, strong decay": {"lora_target_modules": "q_proj,down_proj", "weight_decay": "0.3"},
    "log, validation, saves out of step": {"logging_steps": "5", "eval_steps": "2", "save_steps": "3"},
    "the first validation is the best": {"learning_rate": "0.5", "max_grad_norm": "0", "warmup_steps": "0",
                                         "eval_steps": "1"},
    "replicas compared at every step": {"desync_check_steps": "1"},
}
# Kernels of OpenBLAS that an x86-64 CPU of the last ten years can use, and one of them usually is not its own.
CORES = ["Haswell", "Nehalem"]
# Long enough for several stops; the checkpoints are rarer than the steps, and old ones are removed.
LONG = {**BASE, "questions": "more-questions.json", "max_steps": "60", "num_train_epochs": "100", "logging_steps": "1",
        "eval_steps": "4", "save_steps": "5", "save_total_limit": "2", "train_ratio": "0.5", "val_ratio": "0.3",
        "test_ratio": "0.2"}


@dataclass
class Trial:
    """One run that is compared with the undisturbed one; `body` counts into it and returns no text or what is wrong."""

    part: str
    row: str
    name: str
    body: Callable = None
    continuations: int = 0
    files: int = 0
    problem: str = None
    is_needed: bool = False
    note: str = None


def rounds(bench, options):
    """Lists of trials; those of a list may run at the same time, and need what the lists before it left."""
    generator = random.Random(options.seed)
    if {"matrix", "ranks", "kernels"} & set(options.parts):
        yield [undisturbed(bench, "matrix", "base", BASE)]
    if "matrix" in options.parts:
        yield [straight(bench, "matrix", "base", "not stopped", BASE, ranks) for ranks in (1, 2, 3)]
        yield [continued(bench, "matrix", f"{before} before, {after} after", "base", BASE, before, step, after)
               for before in (1, 2, 3) for after in (1, 2, 3) for step in steps_of(bench, "base")]
    if "ranks" in options.parts:
        counts = [4, 5, 7, 8]
        yield [straight(bench, "ranks", "base", "not stopped", BASE, ranks) for ranks in counts]
        yield [continued(bench, "ranks", "4, 5, 7 or 8 before and after", "base", BASE, generator.choice(counts), step,
                         generator.choice(counts)) for step in steps_of(bench, "base")]
    if "settings" in options.parts:
        variants = {name: {**BASE, **changes} for name, changes in VARIANTS.items()}
        yield [undisturbed(bench, "settings", name, settings) for name, settings in variants.items()]
        before = {name: generator.choice([1, 2, 3]) for name in variants}
        yield [straight(bench, "settings", name, name, settings, before[name]) for name, settings in variants.items()]
        yield [continued(bench, "settings", name, name, settings, before[name], step, generator.choice([1, 2, 3]))
               for name, settings in variants.items() for step in steps_of(bench, name)]
    if "stops" in options.parts:
        yield [undisturbed(bench, "stops", "long", LONG)]
        yield [stopped(bench, Stop.KINDS[index % len(Stop.KINDS)], index, options.seed)
               for index in range(options.stops)]
    if "kernels" in options.parts:
        pinned = {core: {**BASE, "core": core} for core in CORES}
        yield [undisturbed(bench, "kernels", core, settings) for core, settings in pinned.items()]
        yield [straight(bench, "kernels", core, core, settings, 2) for core, settings in pinned.items()]
        yield [continued(bench, "kernels", core, core, settings, 2, step, generator.choice([1, 2, 3]))
               for core, settings in pinned.items() for step in steps_of(bench, core)]
        yield [other_kernels(bench, core) for core in CORES]


def steps_of(bench, name: str) -> list:
    """The steps that have a checkpoint in the undisturbed run, and 0 for a run that died before its first one."""
    names = [key for key in bench.references[name] if key.startswith("checkpoints/")]
    return [0] + sorted(int(re.findall(r"\d+", key)[0]) for key in names)


def finished(bench, name: str, ranks: int) -> Path:
    return bench.folder / f"finished-{re.sub('[^a-z0-9]+', '-', name)}-{ranks}" / "run"


def undisturbed(bench, part: str, name: str, settings: dict) -> Trial:
    """The run that all others of its settings are compared with: one rank, no mpirun, no stop."""
    trial = Trial(part, "undisturbed" if name in ("base", "long") else name, name, is_needed=True)

    def body():
        run = bench.new_folder(name) / "run"
        bench.finish(run, settings, 1, resumes=False)
        bench.references[name] = fingerprint(run)
        trial.files = bench.compare(run, name)
    trial.body = body
    return trial


def straight(bench, part: str, name: str, row: str, settings: dict, ranks: int) -> Trial:
    """A run that is not stopped; what it leaves is cut off by the trials of `continued`."""
    trial = Trial(part, row, f"{name}, {ranks} ranks", is_needed=True)

    def body():
        run = finished(bench, name, ranks)
        run.parent.mkdir()
        bench.finish(run, settings, ranks, resumes=False)
        trial.files = bench.compare(run, name)
    trial.body = body
    return trial


def continued(bench, part: str, row: str, name: str, settings: dict, before: int, step: int, after: int) -> Trial:
    """A run of `before` ranks that died after `step` and goes on with `after` ranks."""
    trial = Trial(part, row, f"{name}, {before} ranks, died after step {step}, {after} ranks")

    def body():
        folder = bench.new_folder(trial.name)
        run = folder / "run"
        # The log has lines that the checkpoint does not know of every other time.
        bench.leave_at(step, finished(bench, name, before), run, log_is_ahead=step % 2 == 1)
        bench.finish(run, settings, after, resumes=True, after=step)
        trial.continuations = 1
        trial.files = bench.compare(run, name)
        shutil.rmtree(folder)
    trial.body = body
    return trial


def stopped(bench, kind: str, index: int, seed: int) -> Trial:
    """A run that is stopped two to four times, each time continued with another number of ranks."""
    trial = Trial("stops", kind, f"{kind} {index}")

    def body():
        folder = bench.new_folder(trial.name)
        run, generator = folder / "run", random.Random(f"{seed} {kind} {index}")
        total, wanted, late = int(LONG["max_steps"]), generator.randrange(2, 5), 0
        stops = 0
        while stops < wanted:
            ranks, done = generator.choice([1, 2, 3]), newest_step(run)
            stop = Stop(kind, generator, max(done + 1, total * (stops + 1) // (wanted + 1)), done)
            job = bench.start(run, LONG, ranks, resumes=stops > 0)
            try:
                stop.inject(job, run, ranks)
                stop.await_end(job)
            except TooLate:
                job.wait(60)
                job.end()
                late += 1
                if late > 8:
                    return "was over before it could be stopped, nine times"
                shutil.rmtree(run, ignore_errors=True)
                stops = 0
                continue
            stops += 1
        bench.finish(run, LONG, generator.choice([1, 2, 3]), resumes=True)
        trial.continuations = stops
        trial.files = bench.compare(run, "long", keeps_all=False)
        shutil.rmtree(folder)
    trial.body = body
    return trial


def other_kernels(bench, core: str) -> Trial:
    """How far the losses are from those of this CPU's own kernels; the order of the data and the rates must be the same."""
    trial = Trial("kernels", "same data and rates as the CPU's own", core)

    def body():
        own, other = ([json.loads(line) for line in bench.references[name]["metrics.jsonl"]] for name in ("base", core))
        for ours, theirs in zip(own, other, strict=True):
            if any(ours.get(key) != theirs.get(key) for key in ("step", "epoch", "learning_rate", "tokens")):
                raise Difference(f"{ours} and {theirs}")
        losses = [(ours[key], theirs[key]) for ours, theirs in zip(own, other) for key in ("loss", "eval_loss")
                  if key in ours]
        worst = max(abs(theirs / ours - 1) for ours, theirs in losses)
        trial.note = f"kernels of {core}: losses differ from the CPU's own by {worst:.0e} at most, relatively"
    trial.body = body
    return trial


def newest_step(run: Path) -> int:
    """The step of the newest checkpoint, 0 without one."""
    folder = run / "checkpoints"
    names = sorted(path.name for path in folder.glob("step-*.h5")) if folder.is_dir() else []
    return int(re.findall(r"\d+", names[-1])[0]) if names else 0
