"""The production workers in the foreground, configured by the environment alone: `coursegen worker`.

Stages, upkeep and webhooks have a worker each: busy stages must not starve the take-over of what dead workers left.
"""

import asyncio
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.database.pool import Unmigrated
from app.database.preflight import check_database
from app.generation.queue import BUILTIN_QUEUE, STAGES_QUEUE, UPKEEP_QUEUE, WEBHOOKS_QUEUE
from app.settings import Settings
from app.telemetry.log import configure_logging, only_lines
from tasks.supervision.supervisor import Command, Supervisor

ROOT = Path(__file__).resolve().parents[2]

#: A worker is killed this long after its own grace is over.
MARGIN_S = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """A worker of its own. `concurrency`: how many jobs it runs at once, if no setting says so."""

    name: str
    queues: tuple[str, ...]
    concurrency: int | None = None


#: The workers by what they serve. Together they serve every queue of ours.
WORKERS = {
    "stages": Part("worker", (STAGES_QUEUE,)),
    "upkeep": Part("upkeep", (UPKEEP_QUEUE, BUILTIN_QUEUE), concurrency=2),
    "webhooks": Part("webhooks", (WEBHOOKS_QUEUE,)),
}


def worker_commands(environment: Mapping[str, str] | None = None, logs: Path | None = None) -> list[Command]:
    """The commands of the three workers, which read their settings; with `logs`, they log to files in it."""
    return [
        Command(
            part.name,
            [sys.executable, "-m", "coursegen", "worker", "--only", serves],
            environment,
            logs and logs / f"{part.name}.log",
        )
        for serves, part in WORKERS.items()
    ]


def run_workers(settings: Settings) -> int:
    """Runs all workers until a signal. Returns the exit code: 0, or 1 if the database is not migrated."""
    configure_logging("supervisor", settings.log_level, settings.app_env, settings.app_version)
    with only_lines():
        if names := check_database(settings.database_url, pooled=settings.database_pooled):
            log.critical("database_unmigrated", extra={"error": str(Unmigrated(names))})
            return 1
        Supervisor(worker_commands(), grace_s=settings.shutdown_grace_s + MARGIN_S, cwd=ROOT).run()
    return 0


def run_worker(settings: Settings, serves: str) -> None:
    """Runs the worker that serves `serves`, a key of `WORKERS`, until a signal or until it serves no more."""
    from tasks.worker_app import make_app  # which the supervisor does not need

    part = WORKERS[serves]
    app = make_app(settings)
    concurrency = {} if part.concurrency is None else {"concurrency": part.concurrency}

    async def run() -> None:
        async with app.open_async():
            await app.run_worker_async(name=part.name, queues=part.queues, **concurrency)

    with only_lines():
        asyncio.run(run())
