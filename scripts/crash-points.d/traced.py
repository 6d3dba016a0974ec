"""Runs of the program under strace: which system calls its checkpoints take, and one of them made to fail."""

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

LIMIT = 60  # seconds; a run takes less than one

# The program replaces strace, which then watches from behind: so the number of the process, which is part of a
# temporary file's name, is known before it starts.
START = """
limit=$1 folder=$2 last=$3; shift 3
paths="-P $folder"
step=1
while [ $step -le $last ]; do
  name=step-$(printf %06d $step).h5
  paths="$paths -P $folder/$name -P $folder/.$name.$$.tmp"
  step=$((step + 1))
done
exec $limit strace -D -f -y $paths "$@"
"""


@dataclass
class Call:
    """One system call on the run's checkpoints, in the order of the undisturbed run."""

    index: int
    name: str
    nth: int  # among the calls of this name
    what: str  # the call and what it is about, as the table calls it
    step: int  # of the save it belongs to; 0 before the first
    text: str


@dataclass
class Run:
    """What a run of the program came to."""

    code: int = None
    output: str = ""
    calls: list = field(default_factory=list)
    was_injected: bool = False
    hung: bool = False


def execute(command: list, folder: Path) -> Run:
    """Runs a command to its end; it keeps its own temporary files in `folder`."""
    scratch = folder / "tmp"
    scratch.mkdir(exist_ok=True)
    environment = {**os.environ, "TMPDIR": str(scratch), "OMPI_ALLOW_RUN_AS_ROOT": "1",
                   "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace", env=environment, start_new_session=True)
    run = Run()
    try:
        run.output, _ = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        run.hung = True
        process.kill()
        run.output, _ = process.communicate()
    run.code = process.returncode
    shutil.rmtree(scratch, ignore_errors=True)
    return run


def trace(program: list, output: Path, folder: Path, last_step: int, inject: str = None, more_paths: list = (),
          front: str = "") -> Run:
    """Runs the program with its calls on the checkpoints traced, and `inject` done to one of them."""
    log = folder / "trace"
    checkpoints = str(output / "checkpoints")
    options = ["-o", str(log), "-e", "trace=%file,%desc", "-e", "signal=none"]
    for path in more_paths:
        options += ["-P", str(path)]
    if inject:
        options += ["-e", f"inject={inject}"]
    command = ["sh", "-c", START, "sh", front, checkpoints, str(last_step), *options, *program]
    run = execute(command, folder)
    text = finished(log)
    run.calls = parse(text)
    run.was_injected = "(INJECTED)" in text or run.code == -9 and text.rstrip().endswith("= ?")
    return run


def finished(log: Path) -> str:
    """What strace wrote; it ends a little later than the program."""
    deadline = time.monotonic() + 10
    while True:
        text = log.read_text(errors="replace") if log.is_file() else ""
        if text.endswith((" +++\n", "= ?\n")) or time.monotonic() > deadline:
            return text
        time.sleep(0.01)


def parse(text: str) -> list:
    calls, counts, step = [], {}, 0
    for line in text.splitlines():
        match = re.match(r"\d+ +(\w+)\((.*)", line)
        if not match:
            continue
        name, rest = match[1], match[2]
        found = re.search(r"/\.step-(\d+)\.h5\.\d+\.tmp", rest)
        if found and "O_CREAT" in rest:
            step = int(found[1])
        counts[name] = counts.get(name, 0) + 1
        calls.append(Call(len(calls), name, counts[name], describe(name, rest), step, line))
    return calls


def describe(name: str, rest: str) -> str:
    """The call and its object, such as `fsync the temporary file`."""
    if ".tmp" in rest:
        what = "temporary file"
    elif ".h5" in rest:
        what = "checkpoint"
    else:
        what = "folder"
    verb = {"openat": "open", "newfstatat": "stat", "fstat": "stat", "getdents64": "list", "fadvise64": "fadvise",
            "pwrite64": "write", "renameat2": "rename", "unlinkat": "unlink"}.get(name, name)
    if verb == "open" and "O_CREAT" in rest:
        verb = "create"
    return f"{verb} {what}"
