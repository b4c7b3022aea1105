"""Which Python measures: the fastest at hand, as what ships is built to be.

Images and distributions build Python with the optimisations a version manager's leaves out, and Node is never without
its own. The choice is made by a loop, because not every build says how it was made.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.cache import cached_folder
from tasks.supervision.workers import ROOT

NAMES = ("python3.13", "python3.12", "python3.11", "python3")
LOCK = ROOT / "requirements-dev.lock"
#: Less is within the noise, and not worth an environment of its own.
WORTH = 0.95
PROBE_S = 30.0
#: Enough for each Python to have had a quiet moment.
ROUNDS = 5

#: Seconds of processor time for a loop of what programs are made of; the best of five.
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


def run_in_the_fastest(arguments: list[str], tell: Callable[[str], None]) -> None:
    """This process goes on as `python -m bench` of the fastest Python; returns where that is the present one.

    Its environment is in the user's cache, made when it is first needed.
    """
    fastest = find_fastest()
    if fastest is None:
        return
    python, own_s, fastest_s = fastest
    tell(
        f"measuring with {python}: {1000 * fastest_s:.0f} ms for a loop that takes {sys.executable} {1000 * own_s:.0f}"
    )
    try:
        folder = cached_folder(f"python-{_digest(python)}", lambda folder: _make_environment(python, folder))
    except subprocess.CalledProcessError as error:
        tell(f"{python} can't be used, and {sys.executable} measures: {error}")
        return
    own = str(folder / "bin" / "python")
    os.execv(own, [own, "-m", "bench", "--this-python", *arguments])


def find_fastest() -> tuple[Path, float, float] | None:
    """The fastest Python at hand that the service runs on, and what this one and that take for the loop.

    None unless it is clearly faster than this one.
    """
    own = Path(sys.executable).resolve()
    best: dict[Path, float] = {}
    for _ in range(ROUNDS):  # in turn, or a moment of the machine's would decide
        for python in {own, *_candidates()}:
            if (taken := seconds(python)) is not None:
                best[python] = min(taken, best.get(python, taken))
    if own not in best:
        return None
    fastest = min(best, key=best.__getitem__)
    return (fastest, best[own], best[fastest]) if best[fastest] < best[own] * WORTH else None


def seconds(python: Path) -> float | None:
    """How long that Python takes for the loop; None where it is none, or of a version that is not supported."""
    try:
        done = subprocess.run([python, "-I", "-c", PROBE], capture_output=True, text=True, timeout=PROBE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return float(done.stdout) if done.returncode == 0 else None


def _candidates() -> Iterator[Path]:
    """Each once, whatever names it goes by: a name may also be a script that finds the Python to run."""
    seen = set()
    for folder in (*os.environ.get("PATH", "").split(os.pathsep), "/usr/local/bin", "/usr/bin"):
        for name in NAMES:
            python = Path(folder) / name
            if python.is_file() and (real := _real(python)) and real not in seen:
                seen.add(real)
                yield real


def _real(python: Path) -> Path | None:
    """What is run under that name; None where nothing is."""
    command = [str(python), "-I", "-c", "import sys; print(sys.executable)"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Path(done.stdout.strip()).resolve() if done.returncode == 0 else None


def _digest(python: Path) -> str:
    """Changes with the interpreter and with what is installed."""
    digest = hashlib.sha256(str(python.resolve()).encode())
    digest.update(LOCK.read_bytes())
    return digest.hexdigest()[:16]


def _make_environment(python: Path, folder: Path) -> None:
    """An environment without pip, which not every Python can install: that of this one fills it."""
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True, capture_output=True)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet"]
    options = ["--disable-pip-version-check", "--root-user-action=ignore", "--require-hashes", "-r", str(LOCK)]
    subprocess.run([*pip, *options], check=True, capture_output=True)
