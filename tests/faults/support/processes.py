"""The processes of the service, each supervised as in production, and replaceable one by one."""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil

from tasks.supervision.supervisor import Command, Supervisor
from tasks.supervision.workers import ROOT, worker_commands
from tests.faults.support.waiting import wait_until

#: What runs when a test begins.
STANDARD = ("api", "worker", "upkeep")


class Processes:
    """From `start()` to `stop()` the standard ones run, and those that `run` adds or starts with other settings.

    A process that dies is started again. Their output goes to files in `folder`.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._running: dict[str, tuple[Supervisor, Mapping[str, str]]] = {}
        self._read: dict[str, int] = {}
        self._changing = threading.Lock()
        self._done = threading.Event()
        self._tending = threading.Thread(target=self._tend)

    def __len__(self) -> int:
        return len(self._running)

    def start(self) -> None:
        self._tending.start()
        self.reset()

    def stop(self) -> None:
        """None of them runs any more."""
        self._done.set()
        self._tending.join()
        for name in list(self._running):
            self._kill(name)

    def reset(self) -> None:
        """The standard ones run with the usual settings, and no others. What was said so far is not in their logs."""
        for name, (_, variables) in list(self._running.items()):
            if variables or name not in STANDARD:
                self._kill(name)
        for name in STANDARD:
            if name not in self._running:
                self.run(name)
            self._read[name] = self._file(name).stat().st_size

    def run(self, name: str, **variables: str) -> None:
        """A process of this name runs with these settings besides the usual; one that ran before was killed.

        Its name is `api`, `upkeep`, or begins with `worker`.
        """
        self._kill(name)
        environment = {**self._environment, **variables}
        workers = worker_commands(environment)
        api = Command("api", [sys.executable, "-m", "app.server"], environment)
        [command] = [one for one in (api, *workers) if name.startswith(one.name)]
        supervisor = Supervisor([replace(command, name=name, log=self._file(name))], grace_s=0, cwd=ROOT)
        with self._changing:
            supervisor.start()
            self._running[name] = supervisor, variables

    def pid(self, name: str) -> int:
        """The process id; while it is down its next one is waited for."""
        found: list[int] = []

        def running() -> bool:
            pid = self._running[name][0].pid(name)
            found[:] = [pid] if pid is not None else []
            return bool(found)

        wait_until(running)
        return found[0]

    def log(self, name: str) -> str:
        """What the process has said since the test began."""
        with self._file(name).open("rb") as log:
            log.seek(self._read.get(name, 0))
            return log.read().decode(errors="replace")

    def _kill(self, name: str) -> None:
        with self._changing:
            supervisor, _ = self._running.pop(name, (None, {}))
        if supervisor is not None:
            supervisor.stop()

    def _tend(self) -> None:
        while not self._done.wait(0.1):
            with self._changing:
                for supervisor, _ in self._running.values():
                    supervisor.tend()

    def _file(self, name: str) -> Path:
        log = self._folder / f"{name}.log"
        log.touch()
        return log


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """The process and all it started stand still for the length of the block."""
    psutil.Process(pid).send_signal(signal.SIGSTOP)  # first, so that no child ends unseen between here and its turn
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for process in family:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in family:
            if process.is_running():
                process.send_signal(signal.SIGCONT)
