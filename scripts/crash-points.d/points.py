"""A fault at one system call, and whether what came of it is one of the outcomes that are promised."""

import os
import re
import shutil
from dataclasses import dataclass, field

import runs
import traced

ERRORS = ["ENOSPC", "EIO", "EDQUOT", "EROFS", "EINTR"]
COLUMNS = ["kill", *ERRORS, "lie"]
TEXTS = {"ENOSPC": "No space left on device", "EIO": "Input/output error", "EDQUOT": "Disk quota exceeded",
         "EROFS": "Read-only file system"}

# What a call is made to say without having done it, or done with other bytes; found only by reading back.
LIES = {
    "write temporary file": ["retval=1000", "retval=88152", "poke_enter=@arg2=00112233445566778899aabbccddeeff"],
    "read temporary file": ["retval=0", "poke_exit=@arg2=00112233445566778899aabbccddeeff"],
    "read checkpoint": ["retval=0", "poke_exit=@arg2=00112233445566778899aabbccddeeff"],
}
# An error here may pass without a word: the cache's hint, and the second look at what is complete already.
HARMLESS = ["fadvise temporary file", "stat folder", "stat checkpoint", "open checkpoint", "read checkpoint",
            "close checkpoint", "close folder", "close temporary file"]


@dataclass
class Point:
    """One case: this fault at this call of this kind of run."""

    kind: runs.Kind
    call: traced.Call
    column: str
    fault: str
    before: object = None  # the folder a resumed run starts from
    outcome: str = ""
    problems: list = field(default_factory=list)


def faults_of(call: traced.Call) -> list:
    """(column, what strace does) for a call."""
    verb = call.what.split()[0]
    faults = [("kill", "signal=SIGKILL")]
    writes = verb in ("create", "write", "fsync", "fadvise", "rename", "unlink", "mkdir") or call.what == "close temporary file"
    for error in ERRORS:
        if error == "EROFS" and verb not in ("create", "rename", "unlink", "mkdir"):
            continue
        if error in ("ENOSPC", "EDQUOT") and not writes:
            continue
        if error == "EINTR" and verb not in ("create", "open", "write", "read", "fsync", "close"):
            continue
        faults.append((error, f"error={error}"))
    return faults + [("lie", lie) for lie in LIES.get(call.what, [])]


def try_point(point: Point, folder) -> None:
    folder.mkdir()
    output = folder / "run"
    kind, call = point.kind, point.call
    more, paths = {}, []
    if point.before:
        shutil.copytree(point.before, output)
        more["resume_from_checkpoint"] = "auto"
        paths = [output / "checkpoints" / name for name in runs.hidden_in(output / "checkpoints")]
    run = traced.trace(kind.program(output, more), output, folder, kind.last_step,
                       f"{call.name}:{point.fault}:when={call.nth}", paths)
    # strace does not mark calls whose data it changed.
    if not run.was_injected and not point.fault.startswith("poke"):
        point.problems.append(f"nothing was injected (exit {run.code})")
    if run.hung:
        point.problems.append("hang")
    point.problems += kind.file_problems(output, point.before)
    check_set(point, output)
    if point.column == "kill":
        killed(point, run, output, folder)
    else:
        failed(point, run, output, folder)
    if point.problems:
        (folder / "output").write_text(run.output)
    else:
        runs.discard(folder)


def check_set(point: Point, output) -> None:
    """The newest checkpoint is the old or the new one, and the best is there."""
    there = runs.steps_in(output / "checkpoints")
    if point.before:
        earlier = sorted(runs.steps_in(point.before / "checkpoints"))
    else:
        earlier = point.kind.published(point.call.index)
    if earlier and max(there, default=0) < earlier[-1]:
        point.problems.append(f"step {earlier[-1]} was complete and is gone: {sorted(there)}")
    if point.kind.best in earlier and point.kind.best not in there:
        point.problems.append(f"the best, step {point.kind.best}, is gone: {sorted(there)}")
    if point.column == "kill" and not point.before and sorted(there) != earlier:
        point.problems.append(f"there are {sorted(there)}, not {earlier}")


def killed(point: Point, run, output, folder) -> None:
    # The last call that strace saw is the one that was to be next.
    if run.code != -9 or len(run.calls) != point.call.index + 1 or run.calls[-1].what != point.call.what:
        point.problems.append(f"exit {run.code} after {len(run.calls)} calls instead of a kill before this one")
    point.outcome = "killed"
    point.problems += point.kind.resume(output, folder)


def failed(point: Point, run, output, folder) -> None:
    """An error must be told and end the run or not, as it was told to; where nothing is said, nothing may be amiss."""
    kind, call, checkpoints = point.kind, point.call, output / "checkpoints"
    goes_on = kind.settings.get("on_save_failure") == "continue" and call.step not in (0, kind.last_step)
    told = re.search(r"(cannot [^\n]*)", run.output)
    # What lay there before may stay where the run ended too early or could not look at it; the next run removes it.
    stays = point.before and (run.code != 0 or call.what == "stat temporary file")
    if (hidden := runs.hidden_in(checkpoints)) and not stays:
        point.problems.append(f"left {', '.join(hidden)}")
    if told and not point.before and point.column in TEXTS and TEXTS[point.column] not in run.output:
        point.problems.append(f"the error is told otherwise: {told[1]}")
    if run.code == 0:
        point.outcome = "went on" if told else "no effect"
        different = kind.differences(output)
        if different:
            point.problems.append(f"ended well with another {', '.join(different)}")
        if told and not goes_on and not point.before:
            point.problems.append(f"went on where it should stop: {told[1]}")
        if not told and point.column != "EINTR" and call.what not in HARMLESS and not point.before:
            point.problems.append("nothing was told")
        there = runs.steps_in(checkpoints)
        # Where the newest cannot be read for once, nothing is deleted until the next save.
        postponed = call.what.endswith(" checkpoint")
        if kind.last_step not in there or len(there) > kind.limit + 1 + postponed:
            point.problems.append(f"ended well with the checkpoints {sorted(there)}")
        if stays:
            point.problems += kind.resume(output, folder)
        return
    point.outcome = "stopped"
    # 65: what was read is damaged, or there is no other checkpoint to continue from.
    expected = {65, 74} if point.column == "lie" or point.before else {74}
    if run.code not in expected or not told:
        point.problems.append(f"exit {run.code}, expected {sorted(expected)}: {run.output[-400:]}")
    if goes_on:
        point.problems.append("stopped where it should go on")
    if point.column == "EINTR":
        point.problems.append("an interrupted call was not repeated")
    point.problems += kind.resume(output, folder)


def stopped_inside_a_save(kind: runs.Kind, folder) -> tuple:
    """A run's folder with a complete temporary file that was never renamed, and the calls of continuing from there."""
    folder.mkdir()
    rename = [call for call in kind.calls if call.name.startswith("rename")][-2]
    output = folder / "run"
    traced.trace(kind.program(output), output, folder, kind.last_step,
                 f"{rename.name}:signal=SIGKILL:when={rename.nth}")
    hidden = runs.hidden_in(output / "checkpoints")
    if len(hidden) != 1:
        raise SystemExit(f"no temporary file to continue from: {hidden}")
    newest = runs.steps_in(output / "checkpoints")
    # The newest is damaged as well, so that continuing has to pass it over.
    if len(newest) > 1:
        with open(newest[max(newest)], "r+b") as file:
            file.seek(5000)
            file.write(os.urandom(16))
    copy = folder / "continued"
    shutil.copytree(output, copy)
    run = traced.trace(kind.program(copy, {"resume_from_checkpoint": "auto"}), copy, folder, kind.last_step, None,
                       [copy / "checkpoints" / hidden[0]])
    if run.code != 0 or kind.differences(copy):
        raise SystemExit(f"continuing ended with {run.code}:\n{run.output}")
    first = next(call.index for call in run.calls if call.what == "create temporary file")
    return output, run.calls[:first]
