"""The faults of running jobs: how each is injected and what is promised of it."""

import ctypes
import os
import signal
import time

from case import TooLate
from row import ROWS, needs_hosts, needs_launch, needs_nft, needs_strace, needs_tbf, row  # noqa: F401

# That of cluster/openmpi-mca-params.conf: 90 s.
SHIPPED_KEEPALIVE = ["--mca", "oob_tcp_keepalive_time", "60", "--mca", "oob_tcp_keepalive_intvl", "10",
                     "--mca", "oob_tcp_keepalive_probes", "3"]


def host_of(case, rank):
    """The name under which a rank's host appears in messages."""
    return f"node{rank % 2 + 1}" if case.hosts else os.uname().nodename


@row("M1", "a rank other than the first is killed", "exit 137 within 10 s; mpirun names rank and host",
     "SIGKILL while loading, in a step, evaluation, save and at the end; every other time across two hosts", 24)
def rank_killed(case):
    across = case.index % 2 == 1
    case.start(3, across=across)
    case.wait_for(["load", "step", "evaluation", "save", "finish", "any"][case.index // 2 % 6])
    victim = 1 + case.index // 2 % 2
    process = case.wait_until(lambda: case.job.ranks().get(victim), f"rank {victim}")
    case.inject(lambda: process.send(signal.SIGKILL))
    case.ends({137}, 10, says=rf"rank {victim} .*on node {host_of(case, victim)} exited on signal 9")
    case.resume()


@row("M2", "the first rank is killed inside a save", "exit 137 within 10 s; earlier checkpoints stay good",
     "strace kills it before its n-th write, fsync, rename or unlink, n at random", 14, needs_strace)
def root_killed_in_save(case):
    call, most = [("fsync", 60), ("rename", 30), ("unlink", 25), ("write", 250)][case.index % 4]
    number = case.random.randint(1, most)
    case.what = f"{call} {number}"
    calls = {"rename": "rename,renameat,renameat2", "unlink": "unlink,unlinkat"}.get(call, call)
    trace = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e",
             f"inject={calls}:signal=SIGKILL:when={number}"]
    job = case.start(2, first_rank=trace)
    case.wait_until(lambda: 0 in job.ranks(), "rank 0", pause=0.02)

    # The fault's time is when the traced rank has gone.
    def is_gone():
        case.steps_before = case.steps_logged() or case.steps_before
        return 0 not in job.ranks()
    deadline = time.monotonic() + 90
    while not is_gone() and time.monotonic() < deadline:
        time.sleep(0.01)
    case.injected_at = time.monotonic()
    case.ends({137}, 10, says="exited on signal 9")
    case.resume()


@row("M3", "memory is refused to a rank", "ends with an error within the watchdog's limit for loading + 10 s; nothing left",
     "RLIMIT_AS of rank 1 at 40 to 97 % of what it needs; seconds count from the start (the kernel's OOM killer is M1)", 4)
def out_of_memory(case):
    whole = case.setup.peak
    share = case.random.uniform(0.4, 0.97)
    limit = int(whole * share)
    case.what = f"{100 * share:.0f} % of {whole >> 20} MiB"
    case.start(2, others=["prlimit", f"--as={limit}"])
    case.injected_at = time.monotonic()
    # OpenBLAS asks again and again for its buffer, so that the watchdog has to end the job; loading has four times the patience.
    case.ends(set(range(1, 256)), 4 * max(30, case.setup.watchdog) + 10)
    case.resume()


@row("M4", "a rank crashes", "exit 139 within 20 s, most of it for the back trace; mpirun names rank and host",
     "the first instruction of MPI_Allreduce in the memory of one rank, rank 0 included, becomes a read of address 0", 6)
def rank_crashes(case):
    case.start(3, across=case.index % 2 == 1)
    case.wait_for("step")
    victim = case.index % 3
    case.inject(lambda: spoil_function(case.job.ranks()[victim].pid, "libmpi.so.40", "MPI_Allreduce"))
    case.ends({139}, 20, says=rf"rank {victim} .*on node {host_of(case, victim)} exited on signal 11")
    case.resume()


def spoil_function(pid, library, function):
    """Lets a process crash at its next call of a library's function."""
    def base(maps):
        with open(maps) as file:
            # /proc names the file behind a library's link, such as libmpi.so.40.30.4.
            return min(int(line.split("-")[0], 16) for line in file if f"/{library}" in line)
    loaded = ctypes.CDLL(library)
    offset = ctypes.cast(getattr(loaded, function), ctypes.c_void_p).value - base("/proc/self/maps")
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(base(f"/proc/{pid}/maps") + offset)
        memory.write(bytes.fromhex("488b042500000000"))


@row("M5", "a rank is frozen for ever", "exit 75 within the watchdog's limit (twice that in a save) + 10 s; the others name rank and host",
     "SIGSTOP to each rank in turn, in a step, save and evaluation", 6)
def rank_frozen(case):
    case.start(3, across=case.index % 2 == 1)
    case.wait_for(["step", "save", "evaluation"][case.index // 2 % 3])
    victim = case.index % 3
    case.inject(lambda: case.job.ranks()[victim].send(signal.SIGSTOP))
    # Whatever the others do, the frozen rank may have been in a save.
    case.ends({75}, 2 * case.setup.watchdog + 10,
              says=rf"missing: [^\n]*rank {victim} on {host_of(case, victim)}")
    case.resume()


@row("M6", "a rank is frozen for 5 s", "the job goes on; same bytes", "SIGSTOP, 5 s, SIGCONT", 5)
def rank_frozen_shortly(case):
    case.start(3, across=case.index % 2 == 1)
    case.wait_for(["step", "save", "evaluation"][case.index % 3])
    process = case.job.ranks()[case.index % 3]
    case.inject(lambda: process.send(signal.SIGSTOP))
    time.sleep(5)
    process.send(signal.SIGCONT)
    case.ends({0}, 60)
    case.identical = case.is_undisturbed("after the pause")


@row("M7", "mpirun is killed", "all ranks on all hosts end by themselves within 5 s", "SIGKILL to mpirun", 10)
def mpirun_killed(case):
    case.start(3, across=case.index % 2 == 1)
    case.wait_for(["load", "step", "evaluation", "save", "finish"][case.index // 2 % 5])
    case.inject(case.job.process.kill)
    case.ends({137}, 5, grace=5)
    case.resume()


@row("M8", "the daemon of another host is killed", "exit 205 within 10 s; mpirun names the host",
     "SIGKILL to orted on the second host", 8, needs_hosts)
def daemon_killed(case):
    case.start(3, across=True, mca=case.KEEPALIVE)
    case.wait_for(["step", "save", "evaluation", "load"][case.index % 4])
    case.inject(lambda: case.job.daemons()[0].send(signal.SIGKILL))
    case.ends({205, 137}, 10, says="lost communication with a remote daemon.*node2|node2.*exited on signal 9")
    case.resume()


@row("M9", "the link of a host is down for ever", "exit 205 within keepalive (11 s) + 10 s; mpirun names the host; nothing left"
     " on either side", "cable out on the switch's side in a step, save and evaluation", 6, needs_hosts)
def link_down(case):
    case.start(3, across=True, mca=case.KEEPALIVE)
    case.wait_for(["step", "save", "evaluation"][case.index % 3])
    case.inject(lambda: case.hosts("link", "node2", "down"))
    case.ends({205}, 21, says="lost communication with a remote daemon.*node2", grace=20)
    case.resume()


@row("M10", "the link is down for 5 s", "the job goes on; same bytes", "cable out, 5 s, in again, with the keepalive of cluster/openmpi-mca-params.conf", 5, needs_hosts)
def link_down_shortly(case):
    case.start(3, across=True, mca=SHIPPED_KEEPALIVE)
    case.wait_for(["step", "save", "evaluation"][case.index % 3])
    case.inject(lambda: case.hosts("link", "node2", "down"))
    time.sleep(5)
    case.hosts("link", "node2", "up")
    case.ends({0}, 90)
    case.identical = case.is_undisturbed("after the pause")


@row("M11", "packets are lost for ever, in one direction or on the ports of MPI alone",
     "exit 75 within the watchdog's limit + 10 s, or 205 by keepalive",
     "nftables on the second host: everything it receives, everything it sends, or MPI's ports", 6, needs_nft)
def packets_lost(case):
    ports = ["--mca", "btl_tcp_port_min_v4", "20000", "--mca", "btl_tcp_port_range_v4", "1000"]
    case.start(3, across=True, mca=case.KEEPALIVE + ports)
    case.wait_for("step")
    kind = case.index % 3
    if kind == 0:
        case.what = "MPI's ports"
        case.inject(lambda: (case.hosts("drop", "node2", "in", "tcp dport 20000-20999"),
                             case.hosts("drop", "node2", "in", "tcp sport 20000-20999")))
    else:
        direction = ["in", "out"][kind - 1]
        case.what = f"all {direction}"
        case.inject(lambda: case.hosts("drop", "node2", direction))
    says = r"no rank has got anything done|lost communication with a remote daemon"
    case.ends({75, 205}, case.setup.watchdog + 10, says=says, grace=20)
    case.resume()


@row("M12", "a link of 10 Mbit/s", "slow and right; no false alarm", "tc tbf on both ends of the second host's cable", 2, needs_tbf)
def link_slow(case):
    case.make_hosts()
    case.hosts("rate", "node2", "10mbit")
    case.start(3, across=True, mca=case.KEEPALIVE)
    case.inject(lambda: None)
    case.ends({0}, 150)
    case.identical = case.is_undisturbed("over the slow link")


def ask_to_stop(case, signals, within):
    """S1 and S2: signals to mpirun in the first half of the run."""
    case.start(3, across=case.index % 2 == 1)
    case.wait_for(case.random.choice(["step", "evaluation", "save"]), part=0.5)

    def send():
        for number in signals:
            case.job.process.send_signal(number)
            if len(signals) > 1:
                time.sleep(0.3)
    case.inject(send)
    case.what = " then ".join(number.name for number in signals) + f" in {case.what}"
    # mpirun crashes at times where a second signal comes while it ends; the ranks have done their work by then.
    code = case.ends({75} if signals == [signal.SIGUSR1] else {75, 1, 139}, within)
    case.steps_before = max(case.steps_before, case.steps_logged())
    if (case.run / "results.json").exists():
        raise TooLate("the job was done before the signal reached its ranks")
    return code


@row("S1", "asked to stop by SIGUSR1", "checkpoint of the step in progress, exit 75 (with SIGTERM as well also 1, or 139 from mpirun itself) within 10 s, no step"
     " computed again",
     "SIGUSR1 to mpirun; every other time SIGTERM 0.3 s later, as Slurm does", 12)
def stopped_with_time(case):
    signals = [signal.SIGUSR1] if case.index // 2 % 2 == 0 else [signal.SIGUSR1, signal.SIGTERM]
    ask_to_stop(case, signals, 10)
    case.expect("checkpoint written" in case.all_text(), f"no word of a checkpoint: {case.tail(case.job.output)}")
    case.resume()
    case.expect(case.recomputed == 0, f"{case.recomputed} logged steps were computed again")


@row("S2", "SIGTERM or SIGINT, on which mpirun waits 1 s, sends SIGTERM, waits 1 s and kills",
     "ends within 10 s, exit 1 (mpirun's own code); at most save_steps steps computed again", "SIGTERM or SIGINT to mpirun", 8)
def stopped_at_once(case):
    ask_to_stop(case, [[signal.SIGTERM], [signal.SIGINT]][case.index // 2 % 2], 10)
    case.resume()


@row("M13", "three faults in one supervised run", "finishes by itself with exit 0 and the same bytes; no process left",
     "`disttrain launch` across two hosts with ssh: a rank killed, a rank frozen, then the second host's link down for ever", 2,
     needs_launch)
def chain_of_faults(case):
    hostfile = case.folder / "hostfile"
    hostfile.write_text("node1 slots=2\nnode2 slots=2\n")
    silence = 2 * case.setup.watchdog + 20
    case.start_supervised(
        ["-n", "3", "--hostfile", str(hostfile), "--silence-seconds", f"{silence:g}"], across=True)
    case.ranks = 3
    steps = sorted(case.random.sample(range(5, 140), 3))
    faults = [lambda ranks: ranks[1].send(signal.SIGKILL), lambda ranks: ranks[2].send(signal.SIGSTOP),
              lambda ranks: case.hosts("link", "node2", "down")]
    case.what = f"after steps {steps}"
    for step, fault in zip(steps, faults):
        # A new attempt has written its log anew up to the last checkpoint.
        case.wait_until(lambda: len(case.job.ranks()) == 3 and case.steps_logged() >= step, f"step {step}", 240, 0.02)
        ranks = case.all_ranks()
        case.inject(lambda: fault(ranks))
        case.wait_until(lambda: ranks[0].pid not in {p.pid for p in case.job.ranks().values()}, "the end of rank 0", 240, 0.1)
    case.ends({0}, 2 * silence + 180, says="no answer from node2", grace=2 * case.setup.watchdog + 20)
    case.identical = case.is_undisturbed("after three faults")


@row("M14", "a job that fails every time, under supervision", "gives up after 3 attempts without progress and says so; a wrong"
     " setting is not tried again", "`disttrain launch`: rank 0 is killed while loading in every attempt, or lora_r=0", 2,
     needs_launch)
def crash_loop(case):
    if case.index % 2:
        case.what = "wrong setting"
        case.start_supervised(["-n", "2"], across=False, settings={"lora_r": "0"})
        case.injected_at = time.monotonic()
        case.ends({78}, 30)
        return
    case.what = "killed while loading"
    case.start_supervised(["-n", "2"], across=False)
    case.injected_at = time.monotonic()
    killed = set()
    while case.job.is_running and len(killed) < 20:
        victim = case.job.ranks().get(0)
        if victim and victim.pid not in killed:
            killed.add(victim.pid)
            try:
                victim.send(signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)
    case.expect(len(killed) == 3, f"{len(killed)} attempts, promised 3")
    case.ends({137}, 60, says="giving up")
    case.resume()
