"""Process groups that must not outlive this process, not even when it is killed.

One small process beside it, started from this file, reads the registered groups from a pipe. When the pipe closes, it
signals the leader of each group, and kills what is left of the group after a grace. Standard library only.

Why not `PR_SET_PDEATHSIG`: it exists on Linux only, fires when the starting *thread* ends, is forgotten when the child
changes its user (PostgreSQL started by root), and reaches one process rather than a group.
"""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

#: How long a group has after its signal before it is killed.
GRACE_S = 10.0


class Watchdog:
    """The groups that this process registered. The watching process starts with the first of them."""

    def __init__(self) -> None:
        self._groups: dict[int, int] = {}
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def add_group(self, group: int, stop_signal: signal.Signals = signal.SIGTERM) -> None:
        """The group is signalled, then killed, when this process is gone."""
        with self._lock:
            self._groups[group] = stop_signal
            self._send()

    def remove_group(self, group: int) -> None:
        """The group is no longer watched. Call it once the leader is reaped; an unknown group is ignored."""
        with self._lock:
            if self._groups.pop(group, None) is not None:
                with suppress(OSError):  # no watching process can be started: there is none to unwatch it
                    self._send()

    def close(self) -> None:
        """The groups that are still registered are stopped, and so is the watching process."""
        with self._lock:
            if self._process is not None:
                self._process.communicate()
                self._process = None
                self._groups.clear()

    def _send(self) -> None:
        # Each message is the whole state, so a watching process that was killed is replaced without loss.
        message = json.dumps(list(self._groups.items())).encode() + b"\n"
        for _ in range(2):
            if self._process is None:
                self._process = _start()
            assert self._process.stdin is not None
            try:
                self._process.stdin.write(message)
            except BrokenPipeError:
                self._process.communicate()
                self._process = None
            else:
                return


def kill_group(group: int) -> None:
    """No process of the group runs any more; an empty group is ignored."""
    # macOS raises PermissionError for a group that has only zombies left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


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


def _watch() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    starter = os.getppid()
    groups: dict[int, int] = {}
    received = b""
    while True:
        readable, _, _ = select.select([0], [], [], 1.0)
        if not readable and os.getppid() == starter:
            continue
        # If a process that the starter forked keeps the pipe open, the lost parent is the only sign.
        chunk = os.read(0, 65536) if readable else b""
        if not chunk:
            break
        *lines, received = (received + chunk).split(b"\n")
        if lines:
            groups = dict(json.loads(lines[-1]))
    _stop(groups)


def _stop(groups: dict[int, int]) -> None:
    # Only the leader is signalled: it stops its own children in order.
    for leader, number in groups.items():
        _signal(leader, number)
    deadline = time.monotonic() + GRACE_S
    while any(_signal(leader, 0) for leader in groups) and time.monotonic() < deadline:
        time.sleep(0.02)
    for group in groups:
        kill_group(group)


def _signal(pid: int, number: int) -> bool:
    """Whether the process exists; a zombie does."""
    try:
        os.kill(pid, number)
    except OSError as error:
        return isinstance(error, PermissionError)
    return True


if __name__ == "__main__":
    _watch()
else:
    watchdog = Watchdog()
    atexit.register(watchdog.close)
