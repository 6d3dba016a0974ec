"""Disks that are full, folders that are not there or not writable, and limits: states rather than single calls."""

import os
import re
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import runs
import traced

NOBODY = 65534


@dataclass
class Disk:
    """One case: a state of the disk, from the start or from the save of step 6 on."""

    kind: runs.Kind
    name: str
    detail: str
    prepare: object = None  # called with the run's folder before the start
    during: object = None  # called with it while the save of step 6 waits
    undo: object = None  # called with it before the run is continued
    front: str = ""  # a command put before the program
    fits: bool = False  # nothing is wrong with this one; None where that depends on the machine
    codes: tuple = (74,)
    outcome: str = ""
    problems: list = field(default_factory=list)


def sh(*command) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True)


def mount_tmpfs(path: Path, size: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    sh("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path)


def all_disks(kinds: list) -> list:
    found = []
    for kind in kinds:
        one = len(kind.bytes[kind.last_step])
        found += full_disks(kind, one) + folders(kind) + limits(kind, one)
    return found


def full_disks(kind: runs.Kind, one: int) -> list:
    """The checkpoints' folder, or the run's, is a disk with room for this much."""
    found = []

    def disk(size, inside, fits):
        found.append(Disk(
            kind, f"full disk, {inside or 'run'}", f"{size} bytes", lambda run: mount_tmpfs(run / inside, size),
            undo=lambda run: sh("mount", "-o", "remount,size=16m", run / inside), fits=fits))
    for quarters in (0, 1, 3, 5, 7, 9, 11, 13, 15, 17):
        disk(4096 + quarters * one // 4 // 4096 * 4096, "checkpoints", fits=quarters >= 13)
    for size in (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 30, 40, 60, 80, 110):
        disk(size * 4096, "", fits=True if size >= 110 else None if size >= 40 else False)
    return found


def folders(kind: runs.Kind) -> list:
    def replace_by_file(run):
        shutil.rmtree(run / "checkpoints")
        (run / "checkpoints").write_text("in the way")

    def read_only(run):
        sh("mount", "--bind", run / "checkpoints", run / "checkpoints")
        sh("mount", "-o", "remount,bind,ro", run / "checkpoints")

    def file_at_start(run):
        run.mkdir()
        (run / "checkpoints").write_text("in the way")

    def folder_in_the_way(run):
        (run / "checkpoints/step-000006.h5/inside").mkdir(parents=True)

    def not_ours(run):
        run.mkdir()
        os.chown(run, NOBODY, NOBODY)
        (run / "checkpoints").mkdir()

    def unmount(run):
        sh("umount", run / "checkpoints")

    def remove_file(run):
        (run / "checkpoints").unlink()
    return [
        Disk(kind, "folder becomes read-only", "", during=read_only, undo=unmount),
        Disk(kind, "folder is deleted", "", during=lambda run: shutil.rmtree(run / "checkpoints")),
        Disk(kind, "folder becomes a file", "", during=replace_by_file, undo=remove_file),
        Disk(kind, "folder is a file", "", prepare=file_at_start, undo=remove_file),
        Disk(kind, "a folder has the file's name", "", during=folder_in_the_way,
             undo=lambda run: shutil.rmtree(run / "checkpoints/step-000006.h5")),
        Disk(kind, "folder of another user", "", prepare=not_ours,
             front=f"setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups",
             undo=lambda run: os.chown(run / "checkpoints", NOBODY, NOBODY)),
    ]


def limits(kind: runs.Kind, one: int) -> list:
    """No file may be larger than this."""
    sizes = [0, 1, 100, 511, 512, 1000, 2000, 4096, 20_000, one // 2, one - 1000, one - 1, one + 1000]
    return [Disk(kind, "file size limit", f"{size} bytes", front=f"prlimit --fsize={size}", fits=size > one)
            for size in sizes]


def try_disk(disk: Disk, folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    output, kind = folder / "run", disk.kind
    if disk.prepare:
        disk.prepare(output)
    program = kind.program(output, {"resume_from_checkpoint": "auto"})
    try:
        if disk.during:
            run = run_until_save(disk, program, output, folder)
        else:
            (folder / "tmp").mkdir(exist_ok=True)
            (folder / "tmp").chmod(0o777)
            run = traced.execute([*disk.front.split(), *program], folder)
        judge(disk, run, output)
        if disk.undo:
            disk.undo(output)
        # The best is lost where it is just what could not be written, and the run was told to go on without it.
        has_best = run.code != 0 or f"step-{kind.best:06d}.h5" not in "".join(re.findall(r"cannot .*", run.output))
        disk.problems += kind.resume(output, folder, has_best)
    finally:
        (folder / "output").write_text(run.output)
        for place in (output / "checkpoints", output):
            subprocess.run(["umount", "-l", str(place)], capture_output=True)
    if not disk.problems:
        runs.discard(folder)


def run_until_save(disk: Disk, program: list, output: Path, folder: Path):
    """Holds the run at the save of step 6 while the state is changed."""
    create = next(c for c in disk.kind.calls if c.step == 6 and c.what == "create temporary file")
    # Continuing lists the folder once more than the undisturbed run does before its first step.
    nth = create.nth + 1

    def change():
        log = folder / "trace"
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if log.is_file() and re.search(r"rename\([^\n]*/step-000004\.h5", log.read_text(errors="replace")):
                time.sleep(0.6)
                disk.during(output)
                return
            time.sleep(0.01)
        disk.problems.append("the save of step 6 never came")
    thread = threading.Thread(target=change)
    thread.start()
    run = traced.trace(program, output, folder, disk.kind.last_step, f"openat:delay_enter=2000000:when={nth}")
    thread.join()
    return run


def judge(disk: Disk, run, output: Path) -> None:
    kind = disk.kind
    goes_on = kind.settings.get("on_save_failure") == "continue"
    disk.problems += kind.file_problems(output)
    if run.hung:
        disk.problems.append("hang")
    if hidden := runs.hidden_in(output / "checkpoints"):
        disk.problems.append(f"left {', '.join(hidden)}")
    told = re.search(r"cannot [^\n]*", run.output)
    if run.code == 0:
        disk.outcome = "went on" if told else "no effect"
        if disk.fits is False and not (goes_on and told):
            disk.problems.append("nothing was told")
        disk.problems += [f"ended well with another {name}" for name in kind.differences(output)]
        return
    disk.outcome = "stopped"
    if disk.fits:
        disk.problems.append(f"stopped without a reason: {run.output[-400:]}")
    if run.code not in disk.codes or not told:
        disk.problems.append(f"exit {run.code}, expected {disk.codes} and a reason: {run.output[-600:]}")
    if goes_on and disk.during and "going on without" not in run.output:
        disk.problems.append("the run was told to go on")


def table(states: list) -> list:
    lines = [f"{'state':<34}{'cases':>7}{'valid':>7}{'stopped':>9}{'went on':>9}{'no effect':>11}"]
    for name in dict.fromkeys(state.name for state in states):
        own = [state for state in states if state.name == name]
        counts = [sum(state.outcome == outcome for state in own) for outcome in ("stopped", "went on", "no effect")]
        lines.append(f"{name:<34}{len(own):>7}{sum(not state.problems for state in own):>7}"
                     f"{counts[0]:>9}{counts[1]:>9}{counts[2]:>11}")
    return lines
