"""The production workers in the foreground, configured by the environment alone: `coursegen worker`.

Stages run apart from upkeep and webhooks, each with a concurrency of its own, so that full stages never starve what
takes over the work of the dead.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from app.settings import Settings
from tasks.supervision.supervisor import Command, Supervisor

ROOT = Path(__file__).resolve().parents[2]

WORKER = [sys.executable, "-m", "procrastinate", "--app=tasks.app", "worker"]
UPKEEP_QUEUES = "upkeep,builtin"
UPKEEP_CONCURRENCY = 2

#: The names of the workers by what they serve.
WORKERS = {"stages": "worker", "upkeep": "upkeep", "webhooks": "webhooks"}

#: A worker is killed this long after its own grace is over.
MARGIN_S = 5.0


def worker_commands(
    concurrency: int, environment: Mapping[str, str] | None = None, logs: Path | None = None
) -> list[Command]:
    """The workers of one machine, together serving every queue; their output goes to files in `logs` if given.

    How much those of webhooks send at once is `WEBHOOK_CONCURRENCY`'s to say.
    """
    queues = {
        "worker": ("stages", ["--concurrency", str(concurrency)]),
        "upkeep": (UPKEEP_QUEUES, ["--concurrency", str(UPKEEP_CONCURRENCY)]),
        "webhooks": ("webhooks", []),
    }
    return [
        Command(
            name,
            [*WORKER, "--name", name, "--queues", served, *more],
            environment,
            logs / f"{name}.log" if logs is not None else None,
        )
        for name, (served, more) in queues.items()
    ]


def run_workers(settings: Settings) -> int:
    """Runs until SIGINT or SIGTERM. Returns 0, or the exit code of a worker that could not start."""
    commands = worker_commands(settings.worker_concurrency)
    return Supervisor(commands, grace_s=settings.shutdown_grace_s + MARGIN_S, cwd=ROOT).run()


def run_worker(settings: Settings, serves: str) -> NoReturn:
    """This process becomes the worker that serves this, a key of `WORKERS`."""
    (command,) = (one for one in worker_commands(settings.worker_concurrency) if one.name == WORKERS[serves])
    os.chdir(ROOT)  # where the supervisor starts it
    os.execv(command.argv[0], [*command.argv])  # noqa: S606 - our own command
