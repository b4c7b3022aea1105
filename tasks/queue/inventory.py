"""What a worker has in hand, compared with what the queue says it has."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from procrastinate import JobContext
from procrastinate.worker import Worker

from app.database.pool import Database
from app.generation.runs.take_over import disown

log = logging.getLogger(__name__)


class Inventory:
    """The jobs a worker runs. As its middleware it knows them; `keep` gives up those that only the queue knows of.

    The queue writes how a job ended apart from the job itself. Where that write was lost, or the run ended because the
    database was away, the job is marked as run by a worker that lives, and nobody runs it.
    """

    def __init__(self, db: Database, every_s: float) -> None:
        self._db = db
        self._every_s = every_s
        self._worker_id: int | None = None
        self._held: set[int] = set()

    async def __call__(self, run: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker) -> Any:
        """Runs the job, in hand until it has ended."""
        assert context.job.id is not None  # noqa: S101 - a fetched job has one
        self._worker_id = worker.worker_id
        self._held.add(context.job.id)
        try:
            return await run()
        finally:
            self._held.discard(context.job.id)

    async def keep(self) -> None:
        """Compares for ever. A job that is not in hand twice in a row is given up: the first time it may be ending."""
        missed: set[int] = set()
        while True:
            await asyncio.sleep(self._every_s)
            if self._worker_id is None:
                continue
            try:
                missed = await asyncio.to_thread(disown, self._db, self._worker_id, frozenset(self._held), missed)
            except psycopg.Error as error:
                log.warning("inventory_failed", extra={"error": str(error)})
