"""The worker's connector: waits for a database that is away, refuses one that is not migrated, listens again."""

import asyncio
import logging
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import psycopg
from procrastinate import PsycopgConnector
from procrastinate.connector import Notify
from procrastinate.exceptions import ConnectorException
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from app.database.migrations import missing
from app.database.pool import has_something_to_say, session
from app.database.preflight import connect_briefly, refusal
from app.settings import Settings

#: Sync tasks run in the loop's executor, whose default size knows nothing of `--concurrency`.
THREADS = 64
LONGEST_PAUSE_S = 5.0

SESSION = "-c statement_timeout=20s -c lock_timeout=5s -c idle_in_transaction_session_timeout=5s"

log = logging.getLogger(__name__)


class WorkerConnector(PsycopgConnector):
    """As Procrastinate's own, and alive through an outage of the database."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            conninfo=settings.database_url,
            pool_factory=_make_pool,
            min_size=1,
            max_size=4,
            # Not as an argument to connect with, which the listener's connection has already.
            configure=_commit_each_statement,
            timeout=300,  # outlives an outage: a job's end is then written late, not lost
            reconnect_timeout=5,  # the pool backs off without bound; short, it is there soon after the database is
            reconnect_failed=_try_again,
            kwargs={
                "connect_timeout": 3,
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 2,
                "tcp_user_timeout": 15_000,
                **session(SESSION, pooled=settings.database_pooled),
                "application_name": "course-generation-worker",
            },
        )
        self._settings = settings

    async def open_async(self, pool: AsyncConnectionPool | None = None) -> None:
        """The pool is open on a migrated database. Ends the process where it is not migrated."""
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="job"))
        if names := await self._missing():
            sys.exit(refusal(names))
        await super().open_async(pool)

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """Listens for as long as the worker lives: a lost connection is opened again, with growing pauses."""
        pause = 0.2
        while True:
            try:
                await super().listen_notify(on_notification, channels)
            except ConnectorException as error:
                log.warning("listen_lost", extra={"error": str(error.__cause__ or error)})
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _missing(self) -> list[str]:
        pause = 0.2
        while True:
            try:
                return await asyncio.to_thread(self._look)
            except psycopg.OperationalError as error:
                log.warning("database_unavailable", extra={"error": str(error)})
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _look(self) -> list[str]:
        with connect_briefly(self._settings) as conn:
            return missing(conn)


def _make_pool(**arguments: Any) -> AsyncConnectionPool:
    """As the queue would, but with a check that costs no round trip to a server that is there."""
    return AsyncConnectionPool(**(arguments | {"check": _refuse_dead}))


async def _commit_each_statement(conn: psycopg.AsyncConnection[Any]) -> None:
    """All that the queue asks is one statement, which needs no round trips more to begin and to commit."""
    await conn.set_autocommit(True)


async def _refuse_dead(conn: psycopg.AsyncConnection[Any]) -> None:
    if has_something_to_say(conn.fileno()):
        await AsyncConnectionPool.check_connection(conn)


_asking: set[asyncio.Task[None]] = set()


def _try_again(pool: AsyncConnectionPool) -> None:
    """Whoever waits in a pool that gave up waits on in vain: only a new client makes it connect again."""
    task = asyncio.get_running_loop().create_task(_ask_for_connection(pool))
    _asking.add(task)
    task.add_done_callback(_asking.discard)


async def _ask_for_connection(pool: AsyncConnectionPool) -> None:
    with suppress(PoolTimeout):
        async with pool.connection(timeout=1.0):
            pass
