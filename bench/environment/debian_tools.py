"""Programs that no wheel has: the system's, or those of a Debian package, which is unpacked and not installed."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.environment.user_cache import cached_folder

FETCH_S = 120.0

#: Folders of servers that `PATH` may lack.
SERVERS = ("/usr/sbin", "/usr/local/sbin")


class ToolMissing(Exception):
    """The program is not installed and cannot be fetched; the message says why."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A program's path, and the folder of the libraries of its package."""

    path: Path
    libraries: Path | None = None

    def command(self, *arguments: str) -> list[str]:
        """The command line that runs it."""
        libraries = ["env", f"LD_LIBRARY_PATH={self.libraries}"] if self.libraries else []
        return [*libraries, str(self.path), *arguments]


def find_tool(name: str, packages: Sequence[str]) -> Tool:
    """The system's program of this name, else the one in these Debian packages. Raises `ToolMissing`."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SERVERS])
    if found := shutil.which(name, path=path):
        return Tool(Path(found))
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise ToolMissing(f"{name} is not installed, and this is no Debian to take it from")
    folder = cached_folder(f"{name}-debian", lambda folder: _unpack(packages, folder))
    programs = sorted(folder.glob(f"usr/*bin/{name}"))
    if not programs:
        raise ToolMissing(f"{name} is not in {', '.join(packages)}")
    return Tool(programs[0], next(folder.glob("usr/lib/*-linux-*"), None))


def _unpack(packages: Sequence[str], folder: Path) -> None:
    _run(["apt-get", "download", *packages], folder)
    for package in sorted(folder.glob("*.deb")):
        _run(["dpkg-deb", "--extract", str(package), str(folder)], folder)
        package.unlink()


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=FETCH_S, check=False)
    except subprocess.TimeoutExpired:
        raise ToolMissing(f"{command[0]} took longer than {FETCH_S:.0f} s") from None
    if done.returncode:
        raise ToolMissing(f"{' '.join(command)}: {done.stderr.strip()}")
