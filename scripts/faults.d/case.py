"""One injection: a job, its fault, what became of it, and whether the run could be continued to the same bytes."""

import hashlib
import random
import re
import shutil
import time
from pathlib import Path

from job import MARKER, TEST_HOSTS, Hosts, Job, metrics

# What must be the same in a run that was disturbed and continued.
RESULTS = ["adapter/adapter_model.safetensors", "adapter/adapter_config.json", "predictions.jsonl", "results.json"]


class TooLate(Exception):
    """The job was over before its fault could be injected; the case is tried again."""


class Setup:
    """The program, its inputs and the undisturbed run that every case is compared with."""

    def __init__(self, binary: Path, folder: Path, settings: dict, watchdog: float, can_set_watchdog: bool):
        self.binary, self.folder, self.settings = binary, folder, settings
        self.watchdog, self.can_set_watchdog = watchdog, can_set_watchdog
        self.save_steps = int(settings["save_steps"])
        self.total_steps = int(settings["max_steps"])
        self.reference = folder / "undisturbed"

    def arguments(self, output: Path, more: dict = None) -> list:
        values = {**self.settings, "output_dir": str(output), **(more or {})}
        if self.can_set_watchdog:
            values.setdefault("watchdog_seconds", f"{self.watchdog:g}")
        return [str(self.binary), "train"] + [f"{key}={value}" for key, value in values.items()
                                               if value is not None]

    def fingerprint(self, run: Path) -> dict:
        """Digests of the results, and the log without times."""
        found = {}
        for name in RESULTS:
            path = run / name
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
        found["metrics.jsonl"] = "\n".join(metrics(run))
        return found


class Case:
    """The life of one injection. Rows call start, wait..., inject, ends, resume, in this order."""

    # With these mpirun notices a dead link within about 11 s.
    KEEPALIVE = ["--mca", "oob_tcp_keepalive_time", "5", "--mca", "oob_tcp_keepalive_intvl", "2",
                 "--mca", "oob_tcp_keepalive_probes", "3"]

    def __init__(self, setup: Setup, row, index: int, seed: int, attempt: int):
        self.setup, self.row, self.index = setup, row, index
        self.random = random.Random(f"{seed} {row.name} {index} {attempt}")
        self.folder = setup.folder / f"{row.name}-{index:02d}-{attempt}"
        self.folder.mkdir()
        self.run = self.folder / "run"
        self.hosts, self.job = None, None
        self.problems, self.codes, self.seconds = [], [], None
        self.hung, self.left, self.identical, self.recomputed, self.what = False, 0, None, None, ""
        self.injected_at = None
        self.steps_before = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.job:
            self.job.end()
        if self.hosts:
            self.hosts.__exit__()
        if not self.problems:
            shutil.rmtree(self.folder, ignore_errors=True)

    def expect(self, is_right: bool, problem: str) -> None:
        if not is_right:
            self.problems.append(problem)

    # Starting

    def make_hosts(self, count: int = 2) -> Hosts:
        self.hosts = Hosts(count).__enter__()
        return self.hosts

    def start(self, ranks: int, across: bool = False, mca: list = (), settings: dict = None, first_rank: list = (),
              others: list = (), environment: dict = None) -> Job:
        """Starts the job here or across two test hosts; `first_rank` and `others` are commands put before the program."""
        program = self.setup.arguments(self.run, settings)
        if across and not self.hosts:
            self.make_hosts()
        launcher = ["--oversubscribe", "--bind-to", "none", "-x", MARKER, *mca]
        for name in environment or {}:
            launcher += ["-x", name]
        if first_rank or others:
            extra = ["-x", MARKER]
            split = ["-n", "1", *first_rank, *program, ":", "-n", str(ranks - 1), *extra, *others, *program]
        else:
            split = ["-n", str(ranks), *program]
        front = [TEST_HOSTS, "mpirun"] if across else ["mpirun"]
        self.job = Job(self.folder, front + launcher + split, self.hosts, environment)
        self.ranks = ranks
        return self.job

    def start_across(self, program: list, hostfile: Path, ranks: int, options: list, refuses_root: bool) -> None:
        """Starts mpirun on the first host with an own host file and none of the options of test-hosts but the needed."""
        network = ["--mca", "oob_tcp_if_include", "10.77.0.0/24"]
        if "btl_tcp_if_include" not in options:
            network += ["--mca", "btl_tcp_if_include", "10.77.0.0/24"]
        agent = ["--mca", "plm_rsh_agent", f"{TEST_HOSTS} rsh"]
        command = ["mpirun", "--hostfile", str(hostfile), "--map-by", "node", "--bind-to", "none", "-n", str(ranks),
                   "-x", MARKER, *agent, *network, *options, *program]
        if refuses_root:
            command = ["env", "-u", "OMPI_ALLOW_RUN_AS_ROOT", *command]
        self.job = Job(self.folder, [TEST_HOSTS, "run", "node1", *command], self.hosts)

    def start_supervised(self, arguments: list, across: bool, settings: dict = None) -> None:
        """Starts `disttrain launch`; across hosts with a real ssh, which a host without network does not answer."""
        program = self.setup.arguments(self.run, settings)
        program[1:2] = ["launch", *arguments]
        environment, front = {}, []
        if across:
            hosts = self.make_hosts()
            hosts("sshd")
            environment["OMPI_MCA_plm_rsh_agent"] = f"ssh -F {hosts.folder}/ssh_config -o ConnectTimeout=5"
            front = [TEST_HOSTS, "run", "node1"]
        self.job = Job(self.folder, [*front, *program], self.hosts, environment)

    # Moments

    def wait_until(self, condition, what: str, seconds: float = 90, pause: float = 0.002):
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if not self.job.is_running:
                raise TooLate(f"the job was over before {what}: {self.job.output[-600:]}")
            if time.monotonic() > deadline:
                raise TooLate(f"no {what} within {seconds} s")
            time.sleep(pause)

    def all_ranks(self) -> dict:
        return self.wait_until(lambda: len(r := self.job.ranks()) == self.ranks and r, "all ranks are there", pause=0.02)

    def steps_logged(self) -> int:
        """The step of the last line of the log."""
        lines = metrics(self.run)
        numbers = re.findall(r'"step": (\d+)', lines[-1]) if lines else []
        return int(numbers[0]) if numbers else 0

    def wait_for(self, moment: str, part: float = 1) -> None:
        """Waits for a moment of the run: load, step, evaluation, save, finish, or any of them; steps in its first `part`."""
        if moment == "any":
            moment = self.random.choice(["load", "step", "evaluation", "save", "finish"])
        self.what = moment
        total, every = self.setup.total_steps, self.setup.save_steps
        end = int(part * total) // every * every
        if moment == "load":
            self.all_ranks()
            time.sleep(self.random.uniform(0, 0.4))
        elif moment == "finish":
            self.wait_until(lambda: self.steps_logged() >= total, "the last step")
            time.sleep(self.random.uniform(0, 0.05))
        elif moment == "save":
            step = self.random.randrange(every, end - every, every)
            checkpoints = self.run / "checkpoints"
            self.wait_until(lambda: self.steps_logged() >= step, f"step {step}")
            self.wait_until(
                lambda: any(True for _ in checkpoints.glob(".step*")) or self.steps_logged() > step, "the checkpoint",
                pause=0.0003)
        elif moment == "evaluation":
            every = int(self.setup.settings["eval_steps"])
            step = self.random.randrange(every, end - every, every)
            self.wait_until(lambda: self.steps_logged() >= step, f"step {step}", pause=0.0005)
            time.sleep(self.random.uniform(0, 0.02))
        else:
            step = self.random.randrange(1, end - every)
            self.wait_until(lambda: self.steps_logged() >= step, f"step {step}")
            time.sleep(self.random.uniform(0, 0.05))

    # The fault and its consequences

    def inject(self, fault) -> None:
        """Calls `fault` and takes its time, unless the job is over."""
        self.steps_before = self.steps_logged()
        if not self.job.is_running:
            raise TooLate("the job was over before its fault")
        self.injected_at = time.monotonic()
        try:
            fault()
        except ProcessLookupError:
            raise TooLate("the process was over before its fault") from None

    def ends(self, codes: set, within: float, says: str = None, grace: float = 5) -> int:
        """The job must end by itself with one of `codes` in time, say why, and leave nothing behind."""
        since = self.injected_at or time.monotonic()
        code = self.job.wait(within + 45)
        self.seconds = time.monotonic() - since
        if code is None:
            self.hung = True
            self.problems.append(f"hang: mpirun was there after {self.seconds:.0f} s and got SIGKILL")
            self.job.process.kill()
            code = self.job.wait(10)
        self.codes.append(code)
        self.expect(self.hung or self.seconds <= within, f"took {self.seconds:.1f} s, promised {within:.0f} s")
        self.expect(code in codes, f"exit code {code}, expected {sorted(codes)}: {self.tail(self.job.output)}")
        left = self.job.left_over(grace)
        self.left = len(left)
        self.expect(not left, "left over: " + ", ".join(f"{p.pid} {p.name} {p.state} rank {p.rank}" for p in left))
        if says:
            text = self.all_text()
            self.expect(re.search(says, text, re.S) is not None, f"nothing says /{says}/: {self.tail(text)}")
        return code

    def tail(self, text: str) -> str:
        """The end of a text without the table of steps."""
        lines = [line for line in text.splitlines() if line.strip() and not re.search(r"(^| info )\s*\d+ +\d+\.\d+ |validation loss", line)]
        return "\n".join(lines)[-1500:]

    def all_text(self) -> str:
        logs = sorted((self.run / "logs").glob("*.log")) if (self.run / "logs").is_dir() else []
        return self.job.output + "".join(path.read_text(errors="replace") for path in logs)

    def is_undisturbed(self, where: str) -> bool:
        """Whether the run's results are those of the undisturbed run."""
        expected, found = self.setup.fingerprint(self.setup.reference), self.setup.fingerprint(self.run)
        different = [name for name in expected if expected[name] != found[name]]
        self.expect(not different, f"{where}: other than the undisturbed run: {', '.join(different)}")
        return not different

    def resume(self, settings: dict = None) -> None:
        """Continues the run here with one to three ranks; it must come to the bytes of the undisturbed one."""
        ranks = self.random.choice([1, 2, 3])
        more = {"resume_from_checkpoint": "auto", **(settings or {})}
        program = self.setup.arguments(self.run, more)
        job = Job(self.folder, ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), *program])
        code = job.wait(180)
        job.end()
        self.expect(code == 0, f"continuing with {ranks} ranks ended with {code}: {self.tail(job.output)}")
        started = re.search(r"resumed    after step (\d+)", job.output)
        if "passed over" in job.output or "refused" in job.output:
            self.problems.append(f"a checkpoint was damaged: {job.output[:1500]}")
        if self.steps_before:
            self.recomputed = self.steps_before - (int(started[1]) if started else 0)
            self.recomputed = max(0, self.recomputed)
            # The step that was being computed had not been logged.
            self.expect(
                self.recomputed <= self.setup.save_steps,
                f"{self.recomputed} logged steps computed again, promised {self.setup.save_steps}")
        left = [path.name for path in (self.run / "checkpoints").glob(".*")]
        self.expect(not left, f"temporary files stayed: {left}")
        self.identical = code == 0 and self.is_undisturbed(f"continued with {ranks} ranks")
