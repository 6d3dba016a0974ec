"""Runs, copies of what a stopped run leaves, and the comparison of every file of two runs."""

import json
import random
import re
import shutil
import signal
import threading
import time
from pathlib import Path

from job import Job, metrics

# Besides these a run leaves config.yaml (which says how it was started), env.json (where), step_times.jsonl and logs (when).
RESULTS = ["adapter/adapter_model.safetensors", "adapter/adapter_config.json", "adapter/README.md", "predictions.jsonl", "results.json",
           "test_split.json"]


class Difference(Exception):
    """A continued run is not the undisturbed one; the text says in what."""


class TooLate(Exception):
    """A run was over before it could be stopped."""


def fingerprint(run: Path) -> dict:
    """The content of every file that must not differ, but for times and the run's own path."""
    found = {}
    for name in RESULTS:
        path = run / name
        found[name] = path.read_bytes() if path.is_file() else None
    found["metrics.jsonl"] = metrics(run)
    state = run / "trainer_state.json"
    found["trainer_state.json"] = state.read_text().replace(str(run), "") if state.is_file() else None
    for path in (run / "checkpoints").iterdir():
        found[f"checkpoints/{path.name}"] = path.read_bytes()
    return found


class Bench:
    """The program, its inputs, and the finished runs that others are compared with."""

    def __init__(self, binary: Path, folder: Path):
        self.binary, self.folder = binary, folder
        self.counter, self.lock = 0, threading.Lock()
        self.references: dict = {}

    def new_folder(self, name: str) -> Path:
        with self.lock:
            self.counter += 1
            folder = self.folder / f"{self.counter:04d}-{re.sub('[^a-z0-9]+', '-', name.lower())[:40]}"
        folder.mkdir()
        return folder

    def start(self, run: Path, settings: dict, ranks: int, resumes: bool) -> Job:
        """Starts a run; one rank without mpirun."""
        questions = settings.get("questions", "questions.json")
        values = {
            "model_name_or_path": self.folder / "model", "dataset_path": self.folder / questions, "output_dir": run,
            **{key: value for key, value in settings.items() if key not in ("questions", "core")},
        }
        if resumes:
            values["resume_from_checkpoint"] = "auto"
        program = [str(self.binary), "train"] + [f"{key}={value}" for key, value in values.items()]
        launcher = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks > 1 else []
        pinned = {"OPENBLAS_CORETYPE": settings["core"]} if "core" in settings else {}
        return Job(run.parent, launcher + program, environment=pinned)

    def finish(self, run: Path, settings: dict, ranks: int, resumes: bool, after: int = None) -> None:
        """Trains to the end, resumed after step `after` if that is given; throws if the program does otherwise."""
        job = self.start(run, settings, ranks, resumes)
        code = job.wait(300)
        job.end()
        where = f"{'resumed' if resumes else 'run'} with {ranks} ranks"
        if code != 0:
            raise Difference(f"{where}: ended with {code}: {job.output[-600:]}")
        started = re.search(r"resumed    after step (\d+)", job.output)
        if after is not None and (int(started[1]) if started else 0) != after:
            raise Difference(f"{where}: started after step {started and started[1]}, not {after}: {job.output[-600:]}")
        if "passed over" in job.output or "refused" in job.output:
            raise Difference(f"{where}: a checkpoint was refused: {job.output[:600]}")

    def compare(self, run: Path, name: str, keeps_all: bool = True) -> int:
        """The number of files that are the reference's; throws if one is not.

        A run that was asked to stop has a checkpoint of that step as well: without `keeps_all` the last one must be there,
        and those of the same name must be the same.
        """
        expected, found = self.references[name], fingerprint(run)
        checkpoints = sorted(key for key in expected if key.startswith("checkpoints/"))
        optional = set() if keeps_all else set(checkpoints[:-1])
        wrong = [key for key in expected if (key in found or key not in optional) and expected[key] != found.get(key)]
        extra = [key for key in found if key not in expected] if keeps_all else []
        hidden = [path.name for path in (run / "checkpoints").glob(".*")]
        if wrong or extra or hidden:
            raise Difference(f"other than undisturbed: {', '.join(wrong + extra + hidden)}; see {run}")
        return len([key for key in expected if key in found])

    def leave_at(self, step: int, finished: Path, run: Path, log_is_ahead: bool) -> None:
        """Makes what a run leaves that dies after the checkpoint of `step`; its log may be ahead of that."""
        shutil.copytree(finished, run, ignore=shutil.ignore_patterns("adapter", "logs", "results.json",
                                                                     "predictions.jsonl", "trainer_state.json"))
        for path in (run / "checkpoints").iterdir():
            if int(re.findall(r"\d+", path.name)[0]) > step:
                path.unlink()
        if not log_is_ahead:
            log = run / "metrics.jsonl"
            lines = log.read_text().splitlines(keepends=True)
            log.write_text("".join(line for line in lines if json.loads(line)["step"] <= step))


def steps_logged(run: Path) -> int:
    """The step of the last line of the log."""
    numbers = re.findall(r'"step": (\d+)', "".join(metrics(run)[-1:]))
    return int(numbers[0]) if numbers else 0


class Stop:
    """One way to end a job at a moment that is chosen at random."""

    KINDS = ["SIGKILL to a rank", "SIGKILL to all", "SIGTERM", "SIGUSR1"]

    def __init__(self, kind: str, generator: random.Random, total_steps: int, done: int):
        self.kind, self.random = kind, generator
        # One in four is stopped while it loads; the others in a step that is still to come.
        self.step = generator.randrange(done, total_steps) if generator.random() < 0.75 else None
        self.delay = generator.uniform(0, 0.03 if self.step is not None else 0.6)

    def inject(self, job: Job, run: Path, ranks: int) -> None:
        """Waits for the moment and sends the signal; throws `TooLate` if the job is over by then."""
        deadline = time.monotonic() + 120
        while self.step is not None and steps_logged(run) <= self.step:
            if not job.is_running or time.monotonic() > deadline:
                raise TooLate
            time.sleep(0.002)
        time.sleep(self.delay)
        if not job.is_running:
            raise TooLate
        processes = job.ranks()
        victims = list(processes.values())
        if self.kind == "SIGKILL to a rank" and victims:
            victims = [self.random.choice(victims)]
        number = {"SIGTERM": signal.SIGTERM, "SIGUSR1": signal.SIGUSR1}.get(self.kind)
        try:
            if number is not None:
                job.process.send_signal(number)
            else:
                for process in victims:
                    process.send(signal.SIGKILL)
                if not victims or self.kind == "SIGKILL to all":
                    job.process.kill()
        except ProcessLookupError:
            raise TooLate from None

    def await_end(self, job: Job) -> None:
        """Waits for the job's end; throws `TooLate` where the run was over before the signal came to it."""
        code = job.wait(60)
        job.end()
        if code == 0:
            raise TooLate
        if code is None:
            raise Difference(f"{self.kind}: the job was still there after 60 s: {job.output[-600:]}")
