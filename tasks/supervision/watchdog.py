"""Nothing outlives its starter, not even when the starter is killed outright.

A starter registers the process groups and folders it made. One small process beside it, started from this file, holds
the reading end of a pipe whose only writer is the starter. When the pipe closes, for whatever reason, it signals
what is still registered, kills what ignores the signal and removes the folders.

Why not `PR_SET_PDEATHSIG`: it exists on Linux only, fires when the starting *thread* ends, is forgotten when the child
changes its user (PostgreSQL started by root), reaches one process rather than a group, and can't remove a folder.
Standard library only.
"""

import atexit
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

#: How long a registered group has after its signal before it is killed.
GRACE_S = 10.0


class Watchdog:
    """What this process has registered, and the process that watches it; started with the first registration."""

    def __init__(self) -> None:
        self._groups: dict[int, int] = {}
        self._folders: list[str] = []
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None

    def add_group(self, group: int, stop_signal: signal.Signals = signal.SIGTERM) -> None:
        """The group is signalled, then killed, when this process is gone."""
        with self._lock:
            self._groups[group] = stop_signal
            self._tell()

    def remove_group(self, group: int) -> None:
        """The group is no longer watched; nothing happens if it wasn't. Call it once the group is reaped."""
        with self._lock:
            if self._groups.pop(group, None) is not None:
                self._tell()

    def add_folder(self, folder: Path) -> None:
        """The folder is removed, with all in it, when this process is gone."""
        with self._lock:
            self._folders.append(str(folder))
            self._tell()

    def remove_folder(self, folder: Path) -> None:
        """The folder and all in it are gone."""
        remove_tree(folder)
        with self._lock:
            if str(folder) in self._folders:
                self._folders.remove(str(folder))
                self._tell()

    def close(self) -> None:
        """What was still registered is cleaned up and the watching process is gone."""
        with self._lock:
            if self._process is not None and self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.close()
                self._process.wait()
                self._process = None
                self._groups.clear()
                self._folders.clear()

    def forget(self) -> None:
        """In a forked child: the pipe's copy is closed, so that only the starter keeps it open."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            os.close(process.stdin.fileno())
            _forgotten.append(process)
        self._groups, self._folders, self._lock = {}, [], threading.RLock()

    def _tell(self) -> None:
        # Every message is the whole state: a watching process that was killed is replaced without loss.
        message = json.dumps({"groups": list(self._groups.items()), "folders": self._folders}).encode() + b"\n"
        for _ in range(2):
            if self._process is None:
                self._process = _start()
            assert self._process.stdin is not None
            try:
                self._process.stdin.write(message)
            except BrokenPipeError:
                self._process.wait()
                self._process = None
            else:
                return


#: The starter's handles in a forked child, kept so that no destructor waits for a process that isn't the child's.
_forgotten: list[subprocess.Popen[bytes]] = []


def _start() -> subprocess.Popen[bytes]:
    # A session of its own: neither Ctrl-C nor a closed terminal may end it before its work is done.
    return subprocess.Popen(
        [sys.executable, "-I", "-S", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        cwd="/",
        start_new_session=True,
    )


def remove_tree(folder: Path, within_s: float = 5.0) -> None:
    """The folder is gone, even while a dying server still writes into it; best effort after `within_s`."""
    deadline = time.monotonic() + within_s
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            time.sleep(0.05)


def kill_group(group: int) -> None:
    """No process of the group runs any more; nothing happens when none did."""
    # PermissionError is what macOS says of a group of which only the dead are left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def lives(pid: int) -> bool:
    """Whether the process is there, one that is dead but that nobody has waited for included."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _watch() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    parent = os.getppid()
    state: dict[str, Any] = {"groups": [], "folders": []}
    received = b""
    while True:
        readable, _, _ = select.select([0], [], [], 1.0)
        if not readable:
            # A stray copy of the pipe's writing end must not keep the orphan's children alive.
            if os.getppid() != parent:
                break
            continue
        chunk = os.read(0, 65536)
        if not chunk:
            break
        *lines, received = (received + chunk).split(b"\n")
        if lines:
            state = json.loads(lines[-1])
    _clean(dict(state["groups"]), [Path(folder) for folder in state["folders"]])


def _clean(groups: dict[int, int], folders: list[Path]) -> None:
    # The leader alone is asked: it stops its own in order. Whoever is left of its group is killed.
    for leader, number in groups.items():
        with contextlib.suppress(ProcessLookupError):
            os.kill(leader, number)
    deadline = time.monotonic() + GRACE_S
    while any(map(lives, groups)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for group in groups:
        kill_group(group)
    for folder in folders:
        remove_tree(folder)


if __name__ == "__main__":
    _watch()
else:
    watchdog = Watchdog()
    atexit.register(watchdog.close)
    os.register_at_fork(after_in_child=watchdog.forget)
