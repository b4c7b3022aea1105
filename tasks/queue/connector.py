"""Procrastinate's connector for workers: it survives outages of the database and requires a migrated one."""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, LiteralString, TypeVar

import psycopg
from procrastinate import PsycopgConnector
from procrastinate.connector import Notify
from procrastinate.exceptions import ConnectorException
from psycopg.errors import ReadOnlySqlTransaction
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from app.database.migrations import missing
from app.database.pool import Unmigrated
from app.database.preflight import connect_briefly
from app.database.session import AsyncSession, is_outdated, session, set_later
from app.settings import Settings

#: Threads for sync tasks. The default does not depend on `--concurrency`.
THREADS = 64
#: How long a query waits for a database that is away or read-only.
PATIENCE_S = 300.0
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0

#: Longest wait for a new session.
CONNECT_S = 3

LIMITS = {"statement_timeout": "20s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "5s"}

log = logging.getLogger(__name__)

T = TypeVar("T")
Check = Callable[[AsyncSession], Awaitable[None]]


class WorkerConnector(PsycopgConnector):
    """Like its base class, but waits for a database that is away, and listens again after an outage."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            conninfo=settings.database_url,
            min_size=1,
            max_size=4,
            pool_factory=partial(_make_pool, pooled=settings.database_pooled),
            # Not in `kwargs`: the listener's connection has its own `autocommit`.
            configure=partial(_configure, pooled=settings.database_pooled),
            timeout=PATIENCE_S,  # longer than an outage: the end of a job is then written late instead of lost
            reconnect_timeout=5,  # the backoff doubles without a limit; a restart limits it
            reconnect_failed=_reconnect,
            kwargs={
                "connect_timeout": CONNECT_S,
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 2,
                "tcp_user_timeout": 15_000,
                **session(LIMITS, pooled=settings.database_pooled),
                "application_name": "course-generation-worker",
            },
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
            sys.exit(str(Unmigrated(names)))
        await super().open_async(pool)

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """Listens until cancelled. A lost connection is opened again."""
        async for _ in _with_backoff():
            try:
                await super().listen_notify(on_notification, channels)
            except ConnectorException as error:
                log.warning("listen_lost", extra={"error": str(error.__cause__ or error)})

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        await _until_writable(partial(super().execute_query_async, query, **arguments))

    async def execute_query_one_async(self, query: LiteralString, **arguments: Any) -> dict[str, Any]:
        return await _until_writable(partial(super().execute_query_one_async, query, **arguments))

    async def execute_query_all_async(self, query: LiteralString, **arguments: Any) -> list[dict[str, Any]]:
        return await _until_writable(partial(super().execute_query_all_async, query, **arguments))

    def _look_up_missing(self) -> list[str]:
        settings = self._settings
        with connect_briefly(settings.database_url, pooled=settings.database_pooled) as conn:
            return missing(conn)


async def _until_writable(run: Callable[[], Awaitable[T]]) -> T:
    """Returns what `run` returned. Calls it again while the database is read-only: a worker that ends loses a start."""
    deadline = time.monotonic() + PATIENCE_S
    async for _ in _with_backoff():
        try:
            return await run()
        except ConnectorException as error:
            if not isinstance(error.__cause__, ReadOnlySqlTransaction) or time.monotonic() > deadline:
                raise
            log.warning("database_read_only", extra={"error": str(error.__cause__)})
    raise AssertionError("the pauses have no end")


async def _with_backoff() -> AsyncIterator[None]:
    """Yields without end, after pauses that grow."""
    pause_s = FIRST_PAUSE_S
    while True:
        yield
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


def _make_pool(*, pooled: bool, check: Check, **arguments: Any) -> AsyncConnectionPool[Any]:
    """A pool that also replaces sessions that were opened while the database was read-only."""

    async def refuse_outdated(conn: AsyncSession) -> None:
        await check(conn)
        if is_outdated(conn) and not pooled:
            await conn.close()
            raise psycopg.OperationalError("the session is read-only; the database may be so no longer")

    return AsyncConnectionPool(connection_class=AsyncSession, check=refuse_outdated, **arguments)


async def _configure(conn: AsyncSession, *, pooled: bool) -> None:
    """Each query of the queue is one statement, so a transaction of its own would cost two more round trips.

    Also sets what could not be sent with the start of the session.
    """
    await conn.set_autocommit(True)
    if not pooled and (later := set_later(conn.info.server_version)):
        await asyncio.wait_for(conn.execute(later), CONNECT_S)
    conn.opened_at = time.monotonic()


async def _reconnect(pool: AsyncConnectionPool) -> None:
    """Makes a pool that gave up connect again, for the clients that wait: it does so only for a new client."""
    with suppress(PoolTimeout, PoolClosed):
        async with pool.connection(timeout=1.0):
            pass
