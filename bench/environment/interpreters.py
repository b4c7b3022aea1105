"""Picks the Python that measures: the fastest at hand.

Images and distributions build Python with optimisations that version managers leave out. A loop decides, because not
every build reports how it was made.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.environment.user_cache import cached_folder
from bench.environment.virtual_environments import digest_of, make_environment
from tasks.supervision.workers import ROOT

NAMES = ("python3.13", "python3.12", "python3.11", "python3")
LOCK = ROOT / "requirements-dev.lock"
#: A smaller gain is noise.
WORTH = 0.95
PROBE_S = 30.0
#: Enough for each Python to meet a quiet moment.
ROUNDS = 5

#: Prints the least processor time, of five runs, of a loop.
PROBE = """
import sys, time
if not (3, 11) <= sys.version_info < (3, 14): sys.exit("too old, or too new")
import venv
def loop():
    seen, total = {}, 0
    for number in range(300_000):
        seen[number & 255] = (number, total)
        total += len(seen) + number % 7
def timed():
    began = time.process_time()
    loop()
    return time.process_time() - began
print(min(timed() for _ in range(5)))
"""


def run_in_the_fastest(arguments: list[str], log: Callable[[str], None]) -> None:
    """Replaces this process with `python -m bench` under the fastest Python; returns when that is the present one.

    The environment is in the user's cache, made when it is first needed.
    """
    fastest = find_fastest()
    if fastest is None:
        return
    python, own_s, fastest_s = fastest
    log(f"measuring with {python}: {1000 * fastest_s:.0f} ms for a loop that takes {sys.executable} {1000 * own_s:.0f}")
    try:
        folder = cached_folder(_name(python), lambda folder: make_environment(python, folder, LOCK))
    except (subprocess.SubprocessError, OSError) as error:
        log(f"{python} can't be used, and {sys.executable} measures: {error}")
        return
    own = str(folder / "bin" / "python")
    os.execv(own, [own, "-m", "bench", "--this-python", *arguments])


def find_fastest() -> tuple[Path, float, float] | None:
    """Returns the fastest Python, with the loop's seconds in this one and in that; None unless it is clearly faster."""
    own = Path(sys.executable).resolve()
    best: dict[Path, float] = {}
    for _ in range(ROUNDS):  # in turn, so that no busy moment decides
        for python in {own, *_candidates()}:
            if (taken := seconds(python)) is not None:
                best[python] = min(taken, best.get(python, taken))
    if own not in best:
        return None
    fastest = min(best, key=best.__getitem__)
    return (fastest, best[own], best[fastest]) if best[fastest] < best[own] * WORTH else None


def seconds(python: Path) -> float | None:
    """Seconds that the Python takes for the loop; None if it does not run or its version is not supported."""
    try:
        done = subprocess.run([python, "-I", "-c", PROBE], capture_output=True, text=True, timeout=PROBE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return float(done.stdout) if done.returncode == 0 else None


def _candidates() -> Iterator[Path]:
    """Each Python once; a name may also be a script that finds the Python to run."""
    seen = set()
    for folder in (*os.environ.get("PATH", "").split(os.pathsep), "/usr/local/bin", "/usr/bin"):
        for name in NAMES:
            python = Path(folder) / name
            if python.is_file() and (real := _real(python)) and real not in seen:
                seen.add(real)
                yield real


def _real(python: Path) -> Path | None:
    """The executable that runs under this name, or None."""
    command = [str(python), "-I", "-c", "import sys; print(sys.executable)"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Path(done.stdout.strip()).resolve() if done.returncode == 0 else None


def _name(python: Path) -> str:
    """Changes with the interpreter and with what is installed."""
    return f"service-{digest_of(python, LOCK)}"
