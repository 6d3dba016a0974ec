#!/usr/bin/env python3
"""Runs disttrain on terminals of several widths and into files, and checks what is seen.

usage: scripts/terminal_check.py [PROGRAM]     PROGRAM is .build/release/disttrain by default

On a terminal: no line is wider than it (of the table and the live line, where it is narrower than 80 columns), no line is torn, the live line is drawn ten times a second at most and gone at the end.
In a file: no control characters. With one rank, with two under mpirun, and under `launch`. With --show the screens are printed.
"""
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# A narrow terminal has fewer columns behind the loss.
ROW = re.compile(r" *\d+ +\d+\.\d\d +\d+\.\d{4}(?: [▼▲+-]|  )?( +\d+\.\d{3})?( +\d\.\d{3}e[+-]\d\d)?( +\d+)? +\d+:[\d:]+")
VALIDATION = re.compile(r" *\d+ +\d+\.\d\d +\d+\.\d{4} +validation, \d+\.\d % of \d+ right(, the best so far)?")
LIVE = re.compile(r"(?:[█▏▎▍▌▋▊▉░]{6,}|\[#*\.*\])  |\d+:\d\d<\d")


class Screen:
    """What a terminal shows: carriage return, newline, erase to the end of the line, colours; it notes what leaves the width."""

    def __init__(self, columns):
        self.columns, self.lines, self.column, self.faults = columns, [""], 0, []

    def feed(self, text):
        for piece in re.findall(r"\x1b\[[\d;]*[A-Za-z]|\x1b.|[\r\n]|[^\x1b\r\n]+", text):
            if piece == "\n":
                self.lines.append("")
            elif piece == "\r":
                self.column = 0
            elif piece == "\x1b[K":
                self.lines[-1] = self.lines[-1][: self.column]
            elif re.fullmatch(r"\x1b\[[\d;]*m", piece):
                pass
            elif piece[0] == "\x1b":
                self.faults.append(f"unknown control sequence {piece!r}")
            else:
                line = self.lines[-1].ljust(self.column)
                self.lines[-1] = line[: self.column] + piece + line[self.column + len(piece):]
                self.column += len(piece)
                # A full line is no fault; the live line stays one short of it.
                shown = self.columns >= 80 or LIVE.search(piece) or ROW.fullmatch(self.lines[-1])
                if self.column > self.columns and shown:
                    self.faults.append(f"{self.column} columns: {self.lines[-1]!r}")


def on_terminal(command, columns, environment):
    """What the command writes to a terminal, with the time of each piece, and its exit code."""
    child, master = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.execvpe(command[0], command, environment)
    pieces = []
    while True:
        ready, _, _ = select.select([master], [], [], 300)
        if not ready:
            os.kill(child, 9)
            break
        try:
            data = os.read(master, 1 << 16)
        except OSError:
            break
        if not data:
            break
        pieces.append((time.monotonic(), data))
    _, status = os.waitpid(child, 0)
    os.close(master)
    return pieces, os.waitstatus_to_exitcode(status)


def check_terminal(name, command, columns, environment, show):
    environment = dict(environment)
    pieces, code = on_terminal(command, columns, environment)
    text = b"".join(data for _, data in pieces).decode("utf-8", "replace")
    screen = Screen(columns)
    screen.feed(text)
    # mpirun's own line, the first, is as long as the command.
    faults = [fault for fault in screen.faults if "'+ mpirun" not in fault]
    if code != 0:
        faults.append(f"exit code {code}")
    draws = [t for t, data in pieces for _ in re.findall(rb"\r\x1b\[K(?=[^\r\n\x1b]*(?:[\r]|$))", data) if LIVE.search(data.decode("utf-8", "replace"))]
    seconds = pieces[-1][0] - pieces[0][0]
    if len(draws) > 10 * seconds + 1:
        faults.append(f"{len(draws)} redraws in {seconds:.2f} s")
    if not draws:
        faults.append("no live line")
    rows = 0
    for line in screen.lines:
        if LIVE.search(line):
            faults.append(f"left of the live line: {line!r}")
        starts = re.match(r" *\d+ +\d+\.\d\d ", line)
        if starts and not (ROW.fullmatch(line) or VALIDATION.fullmatch(line)):
            faults.append(f"torn: {line!r}")
        rows += bool(starts)
        position = line.find("warning:")
        if position > 0:
            faults.append(f"torn: {line!r}")
    if rows < 3:
        faults.append(f"only {rows} rows")
    live = [line for line in re.findall(r"\r\x1b\[K([^\r\n\x1b]*)", text) if LIVE.search(line)]
    shown = "\n".join(screen.lines + live[len(live) // 2:][:1])
    report(name, faults, f"{len(draws)} redraws, {rows} rows", shown if show else "")
    return not faults


def check_redirected(name, command, environment, show, is_json=False):
    result = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    faults = [] if result.returncode == 0 else [f"exit code {result.returncode}"]
    for stream, data in (("output", result.stdout), ("errors", result.stderr)):
        for character in (b"\r", b"\x1b", b"\x08"):
            if character in data:
                faults.append(f"{stream} has {character!r}")
        if data and not data.endswith(b"\n"):
            faults.append(f"{stream} does not end with a newline")
    text = result.stderr.decode()
    rows = sum(bool(ROW.fullmatch(line)) for line in text.splitlines())
    if is_json:
        rows = 0
        for line in text.splitlines():
            try:
                rows += json.loads(line).get("event") == "step"
            except ValueError:
                faults.append(f"no JSON: {line!r}")
    if rows < 3:
        faults.append(f"only {rows} rows")
    report(name, faults, f"{rows} rows", text + result.stdout.decode() if show else "")
    return not faults


def report(name, faults, detail, text):
    print(f"{'FAIL' if faults else 'ok  '}  {name}: {detail}", flush=True)
    for fault in faults[:5]:
        print(f"      {fault}", flush=True)
    if text:
        print("\n".join("    | " + line for line in text.splitlines()), flush=True)


def main():
    words = [word for word in sys.argv[1:] if word != "--show"]
    show = "--show" in sys.argv
    program = os.path.abspath(words[0] if words else os.path.join(ROOT, ".build/release/disttrain"))
    resources = os.path.join(os.path.dirname(program), "DistTrain_DistTrain.resources/Demo")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("DISTTRAIN", "COLUMNS", "LC_", "NO_COLOR", "FORCE_COLOR"))}
    environment |= {"LANG": "C.UTF-8", "TERM": "xterm", "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    good = True
    with tempfile.TemporaryDirectory() as folder:
        number = 0

        def settings(*more):
            nonlocal number
            number += 1
            return [
                f"model_name_or_path={resources}/model", f"dataset_path={resources}/questions.json", f"output_dir={folder}/run-{number}",
                "max_steps=60", "logging_steps=5", "eval_steps=20", "prompt_template=open", "score=option", *more]

        train = [program, "train"]
        for columns in (40, 80, 120):
            good &= check_terminal(f"train at {columns} columns", train + settings(), columns, environment, show)
        good &= check_terminal("train with two ranks at 100 columns", train + ["-n", "2"] + settings(), 100, environment, show)
        # Two threads for each rank are more than most small machines have, which every rank warns of.
        good &= check_terminal("launch with two ranks at 80 columns", [program, "launch", "-n", "2"] + settings("threads_per_rank=2"), 80, environment, show)
        pieces, code = on_terminal(["mpirun", "--oversubscribe", "-n", "2"] + train + settings(), 80, environment)
        text = b"".join(data for _, data in pieces)
        # The terminal itself turns each newline into two characters.
        faults = [f"has {c!r}" for c in (b"\x1b", b"\r") if c in text.replace(b"\r\n", b"\n")] + ([f"exit code {code}"] if code else [])
        report("mpirun on a terminal is plain", faults, f"{len(text.splitlines())} lines", "")
        good &= not faults
        good &= check_terminal("train in ASCII", train + settings(), 80, environment | {"LANG": "C"}, show)
        good &= check_redirected("train into a file", train + settings(), environment, show)
        good &= check_redirected("two ranks into a file", train + ["-n", "2"] + settings(), environment, show)
        good &= check_redirected("mpirun into a file", ["mpirun", "--oversubscribe", "-n", "2"] + train + settings(), environment, show)
        good &= check_redirected("two ranks as JSON", train + ["-n", "2", "--progress", "json"] + settings(), environment, show, is_json=True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
