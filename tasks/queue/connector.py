"""Procrastinate's connector for workers: it survives outages of the database and requires a migrated one."""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, LiteralString, TypeVar

import psycopg
from procrastinate import PsycopgConnector
from procrastinate.connector import Notify
from procrastinate.exceptions import ConnectorException
from psycopg import AsyncConnection
from psycopg.errors import ReadOnlySqlTransaction
from psycopg.sql import SQL, Identifier
from psycopg_pool import AsyncConnectionPool

from app.database.deadline import SocketGuard
from app.database.migrations import missing
from app.database.pool import Unmigrated
from app.database.preflight import connect_briefly
from app.database.session import KEEPALIVES, connect_arguments, set_statements
from app.settings import Settings
from tasks.queue.bounded_pool import CONNECT_S, BoundedPool, reconnect

#: Threads for sync tasks. The default does not depend on `--concurrency`.
THREADS = 64
#: How long a query waits for a database that is away or read-only.
PATIENCE_S = 300.0
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0

#: How long the listener hears nothing before it checks its connection.
LISTEN_S = 15.0

LIMITS = {"statement_timeout": "20s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "5s"}

log = logging.getLogger(__name__)

T = TypeVar("T")


class WorkerConnector(PsycopgConnector):
    """Like its base class, but waits for a database that is away, and listens again after an outage.

    A connection that does not answer within half of `STALLED_S` is replaced.
    """

    def __init__(self, settings: Settings) -> None:
        self._limit_s = settings.stalled_s / 2
        self._guard = SocketGuard()
        self._arguments = {
            "connect_timeout": CONNECT_S,
            **KEEPALIVES,
            "tcp_user_timeout": 15_000,
            **connect_arguments(pooled=settings.database_pooled),
            "application_name": "course-generation-worker",
        }
        super().__init__(
            pool_factory=partial(BoundedPool, limit_s=self._limit_s, limits=LIMITS, pooled=settings.database_pooled),
            conninfo=settings.database_url,
            min_size=1,
            max_size=4,
            timeout=PATIENCE_S,  # longer than an outage: the end of a job is then written late instead of lost
            reconnect_timeout=5,  # the backoff doubles without a limit; a restart limits it
            reconnect_failed=reconnect,
            kwargs=self._arguments,
        )
        self._settings = settings
        #: Called when the database has answered that it takes no writes.
        self.on_read_only: Callable[[], None] = lambda: None

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
                await conn.execute(set_statements(LIMITS, conn.info.server_version))
                for channel in channels:
                    await conn.execute(SQL("listen {}").format(Identifier(channel)))
            while True:
                async for notification in conn.notifies(timeout=LISTEN_S):
                    await on_notification(channel=notification.channel, payload=notification.payload)
                with self._guard.guard(conn.fileno(), self._limit_s):
                    await conn.execute("select 1")

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        await self._until_writable(partial(super().execute_query_async, query, **arguments))

    async def execute_query_one_async(self, query: LiteralString, **arguments: Any) -> dict[str, Any]:
        return await self._until_writable(partial(super().execute_query_one_async, query, **arguments))

    async def execute_query_all_async(self, query: LiteralString, **arguments: Any) -> list[dict[str, Any]]:
        return await self._until_writable(partial(super().execute_query_all_async, query, **arguments))

    async def _until_writable(self, run: Callable[[], Awaitable[T]]) -> T:
        """Returns what `run` returned. Calls it again while the database is read-only.

        If it failed instead, the worker would end, and the stage in hand lose a start.
        """
        deadline = time.monotonic() + PATIENCE_S
        async for _ in _with_backoff(min(LONGEST_PAUSE_S, self._limit_s)):
            try:
                return await run()
            except ConnectorException as error:
                if not isinstance(error.__cause__, ReadOnlySqlTransaction) or time.monotonic() > deadline:
                    raise
                log.warning("database_read_only", extra={"error": str(error.__cause__)})
                self.on_read_only()
        raise AssertionError("the pauses have no end")

    def _look_up_missing(self) -> list[str]:
        settings = self._settings
        with connect_briefly(settings.database_url, pooled=settings.database_pooled) as conn:
            return missing(conn)


async def _with_backoff(longest_s: float = LONGEST_PAUSE_S) -> AsyncIterator[None]:
    """Yields without end, after pauses that grow."""
    pause_s = FIRST_PAUSE_S
    while True:
        yield
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, longest_s)
