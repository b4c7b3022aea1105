"""wrk, a load generator in C, sending distinct requests."""

import json
import re
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from bench.environment.debian_tools import Tool, find_tool
from bench.load.python_generator import CONNECTIONS, LONGEST_S, SILENCE_S, Load
from bench.reporting.figures import BenchError
from stack.interrupts import held
from stack.scratch import remove_folder, scratch_folder
from stack.server import HOST
from tasks.supervision.watchdog import kill_group, watchdog

SCRIPT = Path(__file__).with_suffix(".lua")

#: With the library that few systems have.
PACKAGES = ("wrk", "libluajit-5.1-2")


@cache
def find_wrk() -> Tool:
    """The program. Raises `ToolMissing`."""
    return find_tool("wrk", PACKAGES)


def version() -> str:
    """Its name and version."""
    said = subprocess.run(find_wrk().command("--version"), capture_output=True, text=True, check=False)
    found = re.search(r"wrk \S*?(\d+\.[\w.+-]+)", said.stdout)
    return f"wrk {found[1] if found else ''}".strip()


def send_all(port: int, requests: list[bytes]) -> Load:
    """Sends every request once, and returns when all are answered. Raises `BenchError`."""
    folder = scratch_folder("course-wrk-")
    try:
        file = folder / "requests"
        file.write_bytes(b"".join(request + b"\0" for request in requests))
        said = _run(port, file)
    finally:
        remove_folder(folder)
    statuses = Counter({int(status): count for status, count in said["statuses"].items()})
    if said["errors"] or statuses.total() != len(requests):
        raise BenchError(f"of {len(requests)} requests {statuses.total()} were answered, {said['errors']} errors")
    latencies = {name: said[name] / 1000 for name in ("p50", "p95", "p99")}
    return Load(said["seconds"], latencies, statuses, said["cpu_s"])


def _run(port: int, file: Path) -> dict[str, Any]:
    options = ["--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{LONGEST_S:.0f}s"]
    options += ["--timeout", f"{SILENCE_S:.0f}s", "--script", str(SCRIPT)]
    with held():
        process = subprocess.Popen(
            find_wrk().command(*options, f"http://{HOST}:{port}/", "--", str(file)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )
        watchdog.add_group(process.pid)
    try:
        said, _ = process.communicate(timeout=LONGEST_S + SILENCE_S)
    except subprocess.TimeoutExpired:
        raise BenchError(f"wrk did not end within {LONGEST_S + SILENCE_S:.0f} s") from None
    finally:
        kill_group(process.pid)
        process.wait()
        watchdog.remove_group(process.pid)
    lines = [line for line in said.splitlines() if line.startswith("{")]
    if process.returncode != 0 or not lines:
        raise BenchError(f"wrk failed: {said.strip()[-2000:]}")
    outcome: dict[str, Any] = json.loads(lines[-1])
    return outcome
