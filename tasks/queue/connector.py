"""Procrastinate's connector for workers: it survives outages of the database and requires a migrated one.

Each use of a connection has a limit, enforced on its socket. The server's own limits don't help when the server, or a
pooler before it, accepts every query and answers none.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import psycopg
from procrastinate import PsycopgConnector
from procrastinate.connector import Notify
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from app.database.deadline import SocketGuard
from app.database.migrations import missing
from app.database.pool import Unmigrated, session
from app.database.preflight import connect_briefly
from app.settings import Settings

#: Threads for sync tasks. The default does not depend on `--concurrency`.
THREADS = 64
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0

#: How long the listener hears nothing before it checks its connection.
LISTEN_S = 15.0

SESSION = "-c statement_timeout=20s -c lock_timeout=5s -c idle_in_transaction_session_timeout=5s"

log = logging.getLogger(__name__)


class BoundedPool(AsyncConnectionPool[AsyncConnection[Any]]):
    """A pool whose connections are closed when a use, or the check before it, takes longer than `limit_s`."""

    def __init__(self, *args: Any, limit_s: float, **kwargs: Any) -> None:
        self._guard, self._limit_s = SocketGuard(), limit_s
        super().__init__(*args, **{**kwargs, "check": self._check})

    @asynccontextmanager
    async def connection(self, timeout: float | None = None) -> AsyncIterator[AsyncConnection[Any]]:
        async with super().connection(timeout) as conn:
            with self._guard.guard(conn.fileno(), self._limit_s):
                yield conn

    async def _check(self, conn: AsyncConnection[Any]) -> None:
        with self._guard.guard(conn.fileno(), self._limit_s):
            await conn.execute("")


class WorkerConnector(PsycopgConnector):
    """Like its base class, but waits for a database that is away, and listens again after an outage.

    A connection that does not answer within half of `STALLED_S` is replaced.
    """

    def __init__(self, settings: Settings) -> None:
        self._limit_s = settings.stalled_s / 2
        self._guard = SocketGuard()
        self._arguments = {
            "connect_timeout": 3,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 2,
            "tcp_user_timeout": 15_000,
            **session(SESSION, pooled=settings.database_pooled),
            "application_name": "course-generation-worker",
        }
        super().__init__(
            pool_factory=partial(BoundedPool, limit_s=self._limit_s),
            conninfo=settings.database_url,
            min_size=1,
            max_size=4,
            configure=_commit_each_statement,
            timeout=300,  # longer than an outage: the end of a job is then written late instead of lost
            reconnect_timeout=5,  # the backoff doubles without a limit; a restart limits it
            reconnect_failed=_reconnect,
            kwargs=self._arguments,
        )
        self._settings = settings

    async def open_async(self, pool: AsyncConnectionPool | None = None) -> None:
        """The pool is open on a migrated database. Exits if the database is not migrated."""
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="job"))
        async for _ in _with_backoff():
            try:
                names = await asyncio.to_thread(self._look_up_missing)
                break
            except psycopg.OperationalError as error:
                log.warning("database_unavailable", extra={"error": str(error)})
        if names:
            log.critical("database_unmigrated", extra={"error": str(Unmigrated(names))})
            sys.exit(1)
        await super().open_async(pool)

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """Listens until cancelled. A lost connection is opened again."""
        async for _ in _with_backoff():
            try:
                await self._listen(on_notification, channels)
            except psycopg.OperationalError as error:
                log.warning("listen_lost", extra={"error": str(error)})

    async def _listen(self, on_notification: Notify, channels: Iterable[str]) -> None:
        url = self._settings.database_url
        async with await AsyncConnection.connect(url, autocommit=True, **self._arguments) as conn:
            with self._guard.guard(conn.fileno(), self._limit_s):
                for channel in channels:
                    await conn.execute(SQL("listen {}").format(Identifier(channel)))
            while True:
                async for notification in conn.notifies(timeout=LISTEN_S):
                    await on_notification(channel=notification.channel, payload=notification.payload)
                with self._guard.guard(conn.fileno(), self._limit_s):
                    await conn.execute("select 1")

    def _look_up_missing(self) -> list[str]:
        settings = self._settings
        with connect_briefly(settings.database_url, pooled=settings.database_pooled) as conn:
            return missing(conn)


async def _with_backoff() -> AsyncIterator[None]:
    """Yields without end, after pauses that grow."""
    pause_s = FIRST_PAUSE_S
    while True:
        yield
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


async def _commit_each_statement(conn: psycopg.AsyncConnection[Any]) -> None:
    """Each query of the queue is one statement, so a transaction of its own would cost two more round trips."""
    await conn.set_autocommit(True)


async def _reconnect(pool: AsyncConnectionPool) -> None:
    """Makes a pool that gave up connect again, for the clients that wait: it does so only for a new client."""
    with suppress(PoolTimeout, PoolClosed):
        async with pool.connection(timeout=1.0):
            pass
