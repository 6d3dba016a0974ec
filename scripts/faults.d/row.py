"""What a row is, and what a machine must have for it."""

import os
import shutil
import subprocess

ROWS = []

class Row:
    def __init__(self, name, fault, promise, injection, count, body, missing):
        self.name, self.fault, self.promise, self.injection = name, fault, promise, injection
        self.count, self.body, self.missing = count, body, missing


def row(name, fault, promise, injection, count, missing=lambda setup: None):
    """Registers a row; `missing` says why it cannot be injected here, or nothing."""
    def register(body):
        ROWS.append(Row(name, fault, promise, injection, count, body, missing))
        return body
    return register


def needs_hosts(setup):
    if os.getuid() != 0:
        return "test hosts need root"
    trial = subprocess.run(["unshare", "--net", "--uts", "--mount", "true"], capture_output=True, text=True)
    return None if trial.returncode == 0 else f"no namespaces here: {trial.stderr.strip()}"


def needs_nft(setup):
    if reason := needs_hosts(setup):
        return reason
    trial = subprocess.run(
        ["unshare", "--net", "nft", "add table inet trial"], capture_output=True, text=True) if shutil.which("nft") else None
    if trial is None:
        return "nft is missing; apt-get install nftables"
    return None if trial.returncode == 0 else f"no nf_tables in this kernel: {trial.stderr.strip()}"


def needs_tbf(setup):
    if reason := needs_hosts(setup):
        return reason
    trial = subprocess.run(
        ["unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", "1mbit", "burst", "32kb",
         "latency", "400ms"], capture_output=True, text=True)
    return None if trial.returncode == 0 else f"no tbf queue in this kernel: {trial.stderr.strip()}"


def needs_strace(setup):
    if not shutil.which("strace"):
        return "strace is missing; apt-get install strace"
    trial = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True)
    return None if trial.returncode == 0 else f"strace may not trace here: {trial.stderr.strip()}"


def needs_launch(setup):
    text = subprocess.run([str(setup.binary), "launch", "--help"], capture_output=True, text=True)
    return None if text.returncode == 0 else "this program has no 'launch' command"
