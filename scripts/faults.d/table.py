"""The figures as text."""

import datetime
import os
import platform
import statistics

import rows

# What these injections brought to light about Open MPI itself, and no run needs to show again.
OPEN_MPI = """\
Open MPI 4.1.4's own behaviour, seen in these injections:

- Where a rank is killed while it is inside MPI_Init, mpirun now and then says so, ends the other ranks and then does not end
  itself (once in the 24 kills of M1 with seed 1, not with seed 2). Only a supervisor with a limit ends it. Its text that names
  rank and host is lost at times, too (once in the 24 kills with seed 2).
- On SIGTERM or SIGINT mpirun sends SIGCONT, waits `odls_base_sigkill_timeout` seconds, sends SIGTERM, waits as long again and
  sends SIGKILL. A larger timeout delays the request to stop itself, and the end after every other failure too. SIGUSR1 is
  passed on at once.
- A SIGTERM while mpirun is ending a job can crash mpirun itself, in PMIx_Finalize: exit 139 although the ranks did their work.
- With a keepalive of 5 s, 3 probes 2 s apart, a link that was away for 5 s ended one job of five; with that of
  `cluster/openmpi-mca-params.conf` none.
- `btl_tcp_if_include` with a network that the hosts do not share makes the first communication wait for ever.""".splitlines()


def line(result: dict) -> str:
    """One injection for the terminal."""
    verdict = "survived" if not result["problems"] else "NOT SURVIVED"
    seconds = "" if result["seconds"] is None else f"{result['seconds']:6.1f} s"
    code = ",".join(map(str, result["codes"]))
    text = f"{result['row']:4}{result['index']:3}  {verdict:12} {seconds:9} exit {code:4} {result['what']}"
    return text + "".join("\n      " + problem.strip().replace("\n", "\n      ") for problem in result["problems"])


def document(options, setup, results, missing, seconds) -> str:
    """The whole report in Markdown."""
    total, failed = len(results), sum(1 for result in results if result["problems"])
    continued = [result for result in results if result["identical"] is not None]
    lines = [
        "# Faults injected, faults survived", "",
        f"{datetime.date.today()}: **{total - failed} of {total} injected faults survived**,"
        f" {sum(r['hung'] for r in results)} hangs, {sum(r['left'] for r in results)} processes left over,"
        f" {sum(bool(r['identical']) for r in continued)} of {len(continued)} runs byte-identical to the undisturbed one.", "",
        f"`scripts/faults --seed {options.seed}`" + (f" `--rows {options.rows}`" if options.rows else "")
        + f" took {seconds / 60:.0f} minutes on {os.cpu_count()} cores ({cpu()}), load average {os.getloadavg()[2]:.1f},"
        f" Linux {platform.release()}, {options.jobs} injections at a time."
        f" Jobs have 2 or 3 ranks, {setup.total_steps} steps, a checkpoint every {setup.save_steps};"
        f" the watchdog's limit was {setup.watchdog:g} s.", "",
        "Survived means all of: the job ended or went on as promised and in time, with the exit code and a text that names the"
        " cause; no process with the job's marker was left in any namespace; no checkpoint was damaged and no temporary file"
        " stayed; continued with `resume_from_checkpoint=auto` and 1 to 3 ranks, adapter, predictions, results"
        f" and `metrics.jsonl` (without `seconds`) were the bytes of the undisturbed run; at most {setup.save_steps} logged"
        " steps were computed again. The bounds in seconds were chosen after trial runs on a machine with other work on its cores;"
        " they are not requirements from elsewhere.", "",
        "| row | fault | promise | survived | exit | s to exit, median / max | steps again, max | hangs | left over |"
        " identical |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows.ROWS:
        own = [result for result in results if result["row"] == row.name]
        if own:
            lines.append(table_row(row, own))
    lines += ["", "How each is injected:", ""]
    lines += [f"- {row.name}: {row.injection}." for row in rows.ROWS if row.name in options.chosen]
    again = sum(result["attempts"] - 1 for result in results)
    lines += ["", f"{again} injections were made again because the job was over before its fault.", "", *OPEN_MPI]
    absent = [f"- {name}: {reason}." for name, reason in missing.items() if reason]
    absent += ["- Delay and reordering of packets: need netem." if not has_netem() else ""]
    lines += ["", "Not injected here:", ""] + [entry for entry in absent if entry]
    if failed:
        lines += ["", "Not survived:", ""]
        for result in results:
            for problem in result["problems"]:
                lines.append(f"- {result['row']} {result['index']} ({result['what']}): {' '.join(problem.split())[:400]}")
    return "\n".join(lines) + "\n"


def table_row(row, own: list) -> str:
    seconds = sorted(result["seconds"] for result in own if result["seconds"] is not None)
    times = f"{statistics.median(seconds):.1f} / {seconds[-1]:.1f}" if seconds else "-"
    steps = [result["recomputed"] for result in own if result["recomputed"] is not None]
    continued = [result["identical"] for result in own if result["identical"] is not None]
    codes = sorted({code for result in own for code in result["codes"] if code is not None})
    survived = sum(1 for result in own if not result["problems"])
    return (f"| {row.name} | {row.fault} | {row.promise} | {survived} / {len(own)} | {', '.join(map(str, codes))} | {times} |"
            f" {max(steps) if steps else '-'} | {sum(r['hung'] for r in own)} | {sum(r['left'] for r in own)} |"
            f" {f'{sum(continued)} / {len(continued)}' if continued else '-'} |")


def cpu() -> str:
    with open("/proc/cpuinfo") as file:
        names = [text.split(":", 1)[1].strip() for text in file if text.startswith("model name")]
    return names[0] if names else platform.machine()


def has_netem() -> bool:
    return os.path.isdir("/sys/module/sch_netem")
