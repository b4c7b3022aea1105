"""The pool of a worker's queue: each use of a connection has a limit, enforced on its socket.

The server's own limits don't help when the server, or a pooler before it, accepts every query and answers none.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from app.database.deadline import SocketGuard
from app.database.session import AsyncSession, is_outdated, set_statements

#: Longest wait for a new session.
CONNECT_S = 3


class BoundedPool(AsyncConnectionPool[Any]):
    """Connections that are closed when a use, or the check before it, takes longer than `limit_s`.

    Sessions that were opened while the database was read-only are replaced. `pooled`: a pooler owns the sessions.
    """

    def __init__(self, *args: Any, limit_s: float, limits: Mapping[str, str], pooled: bool, **kwargs: Any) -> None:
        self._guard, self._limit_s, self._limits, self._pooled = SocketGuard(), limit_s, limits, pooled
        given = {"connection_class": AsyncSession, "configure": self._configure, "check": self._check}
        super().__init__(*args, **{**kwargs, **given})

    @asynccontextmanager
    async def connection(self, timeout: float | None = None) -> AsyncIterator[AsyncSession]:
        async with super().connection(timeout) as conn:
            with self._guard.guard(conn.fileno(), self._limit_s):
                yield conn

    async def _check(self, conn: AsyncSession) -> None:
        with self._guard.guard(conn.fileno(), self._limit_s):
            await conn.execute("")
        if is_outdated(conn) and not self._pooled:
            await conn.close()
            raise psycopg.OperationalError("the session is read-only; the database may be so no longer")

    async def _configure(self, conn: AsyncSession) -> None:
        """Each query of the queue is one statement, so a transaction of its own would cost two more round trips.

        Also sets what every session has.
        """
        await conn.set_autocommit(True)
        if not self._pooled:
            await asyncio.wait_for(conn.execute(set_statements(self._limits, conn.info.server_version)), CONNECT_S)
        conn.opened_at = time.monotonic()


async def reconnect(pool: AsyncConnectionPool) -> None:
    """Makes a pool that gave up connect again, for the clients that wait: it does so only for a new client."""
    with suppress(PoolTimeout, PoolClosed):
        async with pool.connection(timeout=1.0):
            pass
