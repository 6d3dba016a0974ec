"""Jobs under mpirun: start, watch, count what is left, and the set of test hosts they run on."""

import os
import re
import signal
import subprocess
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEST_HOSTS = str(ROOT / "cluster" / "test-hosts")
# The program passes variables with its prefix on to all ranks.
MARKER = "DISTTRAIN_FAULTS_JOB"


class Process:
    """A process as /proc shows it."""

    def __init__(self, pid: int, environment: dict):
        self.pid = pid
        self.environment = environment
        with open(f"/proc/{pid}/stat") as file:
            text = file.read()
        self.name = text[text.index("(") + 1:text.rindex(")")]
        fields = text[text.rindex(")") + 2:].split()
        self.state, self.parent = fields[0], int(fields[1])

    @property
    def rank(self):
        value = self.environment.get("OMPI_COMM_WORLD_RANK")
        return int(value) if value is not None else None

    def send(self, number: int) -> None:
        os.kill(self.pid, number)


def processes_of(marker: str) -> list:
    """All living processes whose environment has the job's marker, in every namespace."""
    wanted = f"{MARKER}={marker}".encode()
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                entries = file.read().split(b"\0")
            if wanted not in entries:
                continue
            pairs = (entry.decode(errors="replace").partition("=") for entry in entries if entry)
            process = Process(int(name), {key: value for key, _, value in pairs})
            if process.state not in "ZX":
                found.append(process)
        except OSError:
            continue
    return found


class Hosts:
    """A set of test hosts that lives as long as this object is entered."""

    def __init__(self, count: int = 2):
        self.count = count

    def __enter__(self):
        self.folder = subprocess.run(
            [TEST_HOSTS, "up", str(self.count)], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        self.environment = {"TEST_HOSTS": self.folder}
        return self

    def __call__(self, *arguments: str) -> str:
        result = subprocess.run(
            [TEST_HOSTS, *arguments], env={**os.environ, **self.environment}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if result.returncode != 0:
            raise RuntimeError(f"test-hosts {' '.join(arguments)}: {result.stdout}")
        return result.stdout

    def __exit__(self, *_):
        self("down")


class Job:
    """One mpirun with its output in a file; ends with it where the caller forgets it."""

    def __init__(self, folder: Path, command: list, hosts: Hosts = None, environment: dict = None):
        self.marker = str(uuid.uuid4())
        self.output_path = folder / f"output-{self.marker[:8]}.txt"
        session = folder / f"session-{self.marker[:8]}"
        session.mkdir()
        variables = {
            **os.environ, MARKER: self.marker, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "OMPI_MCA_orte_tmpdir_base": str(session), "OMPI_MCA_mpi_yield_when_idle": "1",
            **(hosts.environment if hosts else {}), **(environment or {}),
        }
        with open(self.output_path, "wb") as output:
            # A session of its own: Ctrl-C here shall not reach the ranks as a fault that nobody counts.
            self.process = subprocess.Popen(
                command, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True)

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    @property
    def output(self) -> str:
        return self.output_path.read_text(errors="replace")

    def ranks(self) -> dict:
        """The program's processes by rank; with strace or a shell in front, the innermost of each."""
        ranks = {}
        for process in processes_of(self.marker):
            if process.rank is not None and process.name == "disttrain":
                ranks[process.rank] = process
        return ranks

    def daemons(self) -> list:
        return [process for process in processes_of(self.marker) if process.name == "orted"]

    def wait(self, seconds: float):
        """The exit code as a shell shows it, or None after `seconds`."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        return code if code >= 0 else 128 - code

    def left_over(self, grace: float) -> list:
        """The processes still there `grace` seconds after the end of mpirun."""
        deadline = time.monotonic() + grace
        while True:
            left = processes_of(self.marker)
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.1)

    def end(self) -> None:
        """What a supervisor does at last: SIGKILL to mpirun, and to what this job still has."""
        if self.is_running:
            self.process.kill()
            self.process.wait()
        for process in self.left_over(3):
            try:
                process.send(signal.SIGKILL)
            except ProcessLookupError:
                pass


def metrics(run: Path) -> list:
    """The lines of metrics.jsonl without the time they took and what follows from it."""
    try:
        text = (run / "metrics.jsonl").read_text()
    except FileNotFoundError:
        return []
    return [re.sub(r', "seconds": .*}', "}", line) for line in text.splitlines()]
