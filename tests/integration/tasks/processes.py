"""A worker as it is deployed: a process of its own, started by our command or the queue's."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

#: As shipped, ten times as fast.
FAST = {"HEARTBEAT_S": "0.5", "STALLED_S": "2", "UPKEEP_S": "1"}


def heed_signals() -> None:
    """`nohup`, and a shell's background, start what they run with some signals ignored, the tests too."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


class WorkerProcess:
    """A worker's process and what it printed. `only`: what it serves, started by `coursegen worker`."""

    def __init__(
        self,
        environment: dict[str, str],
        log: Path,
        *arguments: str,
        only: str | None = None,
        cwd: Path | None = None,
        python: str = sys.executable,
    ) -> None:
        self._log = log
        queues = [python, "-m", "procrastinate", "--app=tasks.app", "worker", *arguments]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                queues if only is None else [python, "-m", "coursegen", "worker", "--only", only],
                cwd=cwd,
                env={**os.environ, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=heed_signals,  # noqa: PLW1509 - before exec no other thread of the child runs
            )

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8")

    @property
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]

    def messages(self, name: str) -> list[dict[str, object]]:
        """The lines with this message."""
        return [line for line in self.lines if line["message"] == name]

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def is_written(file: Path) -> bool:
    """Whether the file has its content, which comes after its name."""
    return file.exists() and file.stat().st_size > 0
