"""The faults of hosts that differ, of memory, and of jobs that are started wrongly."""

import re
import shutil
import signal
import struct
import time

from row import needs_hosts, row

# What of the second host differs, and the field that must say so.
DIFFERENCES = ["model", "tokenizer", "dataset", "program", "blas_core", "start"]


@row("H1", "the hosts differ", "exit 78 within 30 s, before the first step; a table names field, hosts and ranks",
     "the second host sees another model, tokenizer, data set, program, adapter to start from, or uses other BLAS kernels", 12, needs_hosts)
def hosts_differ(case):
    field = DIFFERENCES[case.index % len(DIFFERENCES)]
    case.what = field
    inputs = case.folder / "inputs"
    shutil.copytree(case.setup.folder / "inputs", inputs)
    hosts = case.make_hosts()
    settings = {"model_name_or_path": str(inputs / "model"), "dataset_path": str(inputs / "questions.json")}
    program, others = case.setup.binary, []
    if field == "program":
        other = case.folder / "other-program"
        shutil.copy2(program, other)
        with open(other, "ab") as file:
            file.write(b"\0")
        hosts("bind", "node2", str(other), str(program))
    elif field == "blas_core":
        others = ["env", "OPENBLAS_CORETYPE=Nehalem"]
    else:
        path = {"model": inputs / "model/model.safetensors", "tokenizer": inputs / "model/tokenizer.json",
                "dataset": inputs / "questions.json", "start": inputs / "adapter/adapter_model.safetensors"}[field]
        if field == "start":
            shutil.copytree(case.setup.reference / "adapter", inputs / "adapter")
            settings["init_adapter"] = str(inputs / "adapter")
        other = case.folder / "other-file"
        content = bytearray(path.read_bytes())
        if field in ["model", "start"]:
            content[-1 - case.random.randrange(1000) * 4] ^= 1
        elif field == "tokenizer":
            content = content.replace(b'"version": "1.0"', b'"version": "1.1"')
        else:
            content = content.replace(b"dish goes", b"dash goes", 1)
        other.write_bytes(content)
        hosts("bind", "node2", str(other), str(path))
    case.start(3, across=True, settings=settings, first_rank=["env"] if others else [], others=others)
    case.injected_at = time.monotonic()
    case.ends({78}, 30, says=rf"{field} +node1 +.*node2 ")
    case.expect(not (case.run / "metrics.jsonl").exists(), "a step was computed")


@row("H2", "a bit flips in the adapter of one rank", "exit 70 at the next save at the latest; no damaged checkpoint",
     "all ranks are stopped, a bit of rank 1's memory is changed where it holds values of the last checkpoint", 6)
def bit_flipped(case):
    case.start(2)
    ranks = case.all_ranks()
    case.wait_for("step", part=0.5)
    checkpoints = case.run / "checkpoints"
    flipped = 0
    while not flipped:
        # Until the next step changes them, the parameters are those of the new checkpoint; where that was faster, once more.
        earlier = set(checkpoints.glob("step-*.h5"))
        case.wait_until(lambda: set(checkpoints.glob("step-*.h5")) - earlier, "a checkpoint", pause=0.0003)
        case.inject(lambda: [process.send(signal.SIGSTOP) for process in ranks.values()])
        newest = max(checkpoints.glob("step-*.h5"))
        flipped = flip_bits(ranks[1].pid, newest.read_bytes(), case.random)
        for process in ranks.values():
            process.send(signal.SIGCONT)
    case.what = f"{flipped} places after {newest.stem}"
    case.injected_at = time.monotonic()
    case.ends({70}, 20, says="the ranks (hold different adapters|differ)")
    case.resume()


def flip_bits(pid, checkpoint, random):
    """Changes one bit of one float of the checkpoint wherever the process holds it; returns the number of places."""
    with open(f"/proc/{pid}/maps") as file:
        regions = [tuple(int(end, 16) for end in line.split()[0].split("-")) for line in file
                   if line.split()[1].startswith("rw") and "[v" not in line]
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        contents = {}
        for start, end in regions:
            if end - start > 1 << 28:
                continue
            try:
                memory.seek(start)
                contents[start] = memory.read(end - start)
            except OSError:
                continue
        for _ in range(400):
            place = random.randrange(len(checkpoint) // 64) * 64
            window = checkpoint[place:place + 64]
            floats = struct.unpack("<16f", window) if len(window) == 64 else ()
            if not floats or not all(1e-4 < abs(value) < 4 for value in floats):
                continue
            found = [start + match.start() for start, content in contents.items()
                     for match in re.finditer(re.escape(window), content)]
            if not found:
                continue
            # Bit 22 is the first of the fraction: the value changes by a quarter to a half.
            for address in found:
                memory.seek(address + 2)
                memory.write(bytes([window[2] ^ 0x40]))
            return len(found)
    return 0


START_ERRORS = ["host file", "slots", "unknown host", "interface", "root", "model missing", "data missing",
                "program missing"]


@row("H3", "the job is started wrongly", "ends within 35 s with a non-zero code and a text that says what is wrong",
     "bad host file, too few slots, unknown host, wrong interface, root not allowed, a file missing on the second host",
     8, needs_hosts)
def started_wrongly(case):
    kind = START_ERRORS[case.index % len(START_ERRORS)]
    case.what = kind
    hosts = case.make_hosts()
    inputs = case.folder / "inputs"
    shutil.copytree(case.setup.folder / "inputs", inputs)
    settings = {"model_name_or_path": str(inputs / "model"), "dataset_path": str(inputs / "questions.json")}
    options = []
    empty = case.folder / "empty"
    empty.mkdir()
    hostfile = case.folder / "hostfile"
    says = {
        "host file": "parse error", "slots": "not enough slots", "unknown host": "node9|daemon",
        "interface": "no rank has got anything done|did not find each other|unable to reach", "root": "run as root",
        "model missing": r"node2\] .*model/config.json: No such file", "data missing": r"node2\] cannot read the data set",
        "program missing": "executable|could not be found|not find",
    }[kind]
    entries = {"host file": "node1 slots=1\nnode2 slot=1\n", "unknown host": "node1 slots=1\nnode9 slots=1\n"}
    hostfile.write_text(entries.get(kind, "node1 slots=1\nnode2 slots=1\n"))
    if kind == "interface":
        options = ["--mca", "btl_tcp_if_include", "lo", "--mca", "btl", "tcp,self"]
    elif kind == "model missing":
        hosts("bind", "node2", str(empty), str(inputs / "model"))
    elif kind == "data missing":
        hosts("bind", "node2", str(empty), str(inputs))
        settings["model_name_or_path"] = str(case.setup.folder / "inputs" / "model")
    binary = case.setup.binary
    program = case.setup.arguments(case.run, settings)
    if kind == "program missing":
        (case.folder / "bin").mkdir()
        shutil.copy2(binary, case.folder / "bin/disttrain")
        program[0] = str(case.folder / "bin/disttrain")
        hosts("bind", "node2", str(empty), str(case.folder / "bin"))
    case.start_across(program, hostfile, 3 if kind == "slots" else 2, options, refuses_root=kind == "root")
    case.injected_at = time.monotonic()
    case.ends(set(range(1, 256)), 35, says=says)
