"""The production workers in the foreground, configured by the environment alone: `coursegen worker`.

Stages, upkeep and webhooks have a worker each: busy stages must not starve the take-over of what dead workers left.
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
    """The commands of the three workers, which together serve every queue; with `logs`, they log to files in it.

    The webhooks' worker reads its concurrency from `WEBHOOK_CONCURRENCY`.
    """
    served = {
        "worker": ["stages", "--concurrency", str(concurrency)],
        "upkeep": [UPKEEP_QUEUES, "--concurrency", str(UPKEEP_CONCURRENCY)],
        "webhooks": ["webhooks"],
    }
    return [
        Command(name, [*WORKER, "--name", name, "--queues", *queues], environment, logs and logs / f"{name}.log")
        for name, queues in served.items()
    ]


def run_workers(settings: Settings) -> int:
    """Runs until SIGINT or SIGTERM. Returns 0, or the exit code of a worker that could not start."""
    commands = worker_commands(settings.worker_concurrency)
    return Supervisor(commands, grace_s=settings.shutdown_grace_s + MARGIN_S, cwd=ROOT).run()


def run_worker(settings: Settings, serves: str) -> NoReturn:
    """Replaces this process with the worker that serves `serves`, a key of `WORKERS`."""
    (command,) = (one for one in worker_commands(settings.worker_concurrency) if one.name == WORKERS[serves])
    os.chdir(ROOT)  # where the supervisor starts it
    os.execv(command.argv[0], [*command.argv])  # noqa: S606 - our own command
