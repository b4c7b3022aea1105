"""Compares the jobs that a worker runs with those that the queue says it runs."""

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
    """The jobs that a worker runs, which it knows as the worker's middleware.

    The queue records the end of a job apart from the job's own work. If that write is lost, or the database is away
    when the job ends, the queue says that a live worker runs the job, and no worker does. `held` has their ids.
    """

    def __init__(self, db: Database, every_s: float) -> None:
        self._db = db
        self._every_s = every_s
        self._worker_id: int | None = None
        self.held: set[int] = set()

    async def __call__(self, run: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker) -> Any:
        """Runs the job, and knows of it until it has ended."""
        assert context.job.id is not None  # noqa: S101 - a fetched job has one
        self._worker_id = worker.worker_id
        self.held.add(context.job.id)
        try:
            return await run()
        finally:
            self.held.discard(context.job.id)

    async def compare(self) -> None:
        """Runs until cancelled. Disowns each job that is missing twice in a row; once, it may just be ending."""
        missing: set[int] = set()
        while True:
            await asyncio.sleep(self._every_s)
            if self._worker_id is None:
                continue
            try:
                missing = await asyncio.to_thread(disown, self._db, self._worker_id, frozenset(self.held), missing)
            except psycopg.Error as error:
                log.warning("inventory_failed", extra={"error": str(error)})
