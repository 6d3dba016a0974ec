"""The undisturbed runs and what a disturbed one must agree with."""

import hashlib
import re
import shutil
import struct
from pathlib import Path

import traced
from job import metrics

RESULTS = ["adapter/adapter_model.safetensors", "adapter/adapter_config.json", "predictions.jsonl", "results.json"]
BASE = {
    "num_train_epochs": "100", "gradient_accumulation_steps": "2", "per_device_train_batch_size": "1", "lora_r": "2",
    "learning_rate": "0.05", "logging_steps": "1", "train_ratio": "0.6", "val_ratio": "0.2", "test_ratio": "0.2",
    "option_order": "shuffled", "save_steps": "2",
}


def seal_is_right(path: Path) -> bool:
    """Verifies a checkpoint as docs/checkpoint-format.md describes it, by other code than the program's."""
    data = path.read_bytes()
    seal, content = data[:512], data[512:]
    return (len(seal) == 512 and seal[:16] == b"\x89DTCK\r\n\x1a" + struct.pack("<II", 1, 512)
            and struct.unpack("<Q", seal[16:24])[0] == len(content)
            and seal[24:56] == hashlib.sha256(content).digest() and not any(seal[56:]))


def steps_in(folder: Path) -> dict:
    """The checkpoints of a folder by their step."""
    if not folder.is_dir():
        return {}
    return {int(path.stem[5:]): path for path in folder.glob("step-*.h5")}


def hidden_in(folder: Path) -> list:
    return sorted(path.name for path in folder.glob(".*")) if folder.is_dir() else []


class Kind:
    """A kind of run: its settings, its undisturbed results and every checkpoint that it ever wrote."""

    def __init__(self, name: str, binary: Path, inputs: Path, folder: Path, settings: dict):
        self.name, self.binary, self.inputs, self.folder = name, binary, inputs, folder
        self.settings = {**BASE, **settings}
        self.last_step = int(self.settings["max_steps"])
        self.best = int(self.settings.get("eval_steps", "0"))
        self.limit = int(self.settings["save_total_limit"])
        folder.mkdir()
        output = folder / "undisturbed"
        run = traced.trace(self.program(output), output, folder, self.last_step)
        if run.code != 0:
            raise SystemExit(f"the undisturbed run ended with {run.code}:\n{run.output}")
        self.calls = run.calls
        self.fingerprint = self.fingerprint_of(output)
        self.final = {step: path.read_bytes() for step, path in steps_in(output / "checkpoints").items()}
        # A second run in which deleting does nothing keeps them all.
        output = folder / "unpruned"
        run = traced.trace(self.program(output), output, folder, self.last_step, "unlink,unlinkat:retval=0")
        kept = steps_in(output / "checkpoints")
        self.bytes = {step: path.read_bytes() for step, path in kept.items()}
        wrong = [step for step, path in kept.items() if not seal_is_right(path)]
        if run.code != 0 or wrong or any(self.bytes[step] != data for step, data in self.final.items()):
            raise SystemExit(f"{name}: two undisturbed runs differ, or a seal is wrong: {wrong}\n{run.output}")

    def program(self, output: Path, more: dict = None) -> list:
        values = {"model_name_or_path": self.inputs / "model", "dataset_path": self.inputs / "questions.json",
                  **self.settings, "output_dir": output, **(more or {})}
        return [str(self.binary), "train"] + [f"{key}={value}" for key, value in values.items()]

    def fingerprint_of(self, output: Path) -> dict:
        found = {}
        for name in RESULTS:
            path = output / name
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
        found["metrics.jsonl"] = "\n".join(metrics(output))
        return found

    def differences(self, output: Path) -> list:
        """The results of a finished run that are not those of the undisturbed one."""
        found = self.fingerprint_of(output)
        return [name for name, value in self.fingerprint.items() if found[name] != value]

    def published(self, before: int) -> list:
        """The checkpoints that are there when the calls before number `before` have been made."""
        there = set()
        for call in self.calls[:before]:
            if call.name.startswith("rename"):
                there.add(call.step)
            elif call.name.startswith("unlink"):
                there.discard(int(re.search(r"/step-(\d+)\.h5", call.text)[1]))
        return sorted(there)

    def file_problems(self, output: Path, before: Path = None) -> list:
        """Every checkpoint that is there must be the undisturbed run's, byte for byte, or what it was `before`."""
        problems = []
        for step, path in steps_in(output / "checkpoints").items():
            earlier = before / "checkpoints" / path.name if before else None
            if path.is_dir() or earlier and earlier.is_file() and earlier.read_bytes() == path.read_bytes():
                continue
            if path.read_bytes() != self.bytes.get(step):
                seal = "right" if seal_is_right(path) else "wrong"
                problems.append(f"{path.name} has other bytes than the undisturbed run's; its seal is {seal}")
        return problems

    def resume(self, output: Path, folder: Path, has_best: bool = True) -> list:
        """Continues the run; it must come to the undisturbed run's bytes and leave nothing else behind."""
        run = traced.execute(self.program(output, {"resume_from_checkpoint": "auto"}), folder)
        problems = ["continuing: hang"] if run.hung else []
        if run.code != 0:
            return problems + [f"continuing ended with {run.code}: {run.output[-500:]}"]
        different = self.differences(output)
        if different:
            problems.append(f"continued to another {', '.join(different)}")
        if hidden := hidden_in(output / "checkpoints"):
            problems.append(f"continuing left {', '.join(hidden)}")
        there = steps_in(output / "checkpoints")
        if max(there, default=None) != self.last_step or has_best and self.best and self.best not in there:
            problems.append(f"continued to the checkpoints {sorted(there)}")
        return problems + self.file_problems(output)


def discard(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
