"""A client of Redis whose calls end by a deadline in total, however slowly the server sends its answer."""

from typing import Any

from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from app.database.deadline import SocketGuard, remaining

#: The longest wait for one answer. The library applies it to each piece of an answer, the guard to the whole.
TIMEOUT_S = 0.25

_guard = SocketGuard()


class _BoundedConnection:
    """Before a class of connections: the guard closes one that exceeds the current deadline."""

    def connect(self) -> None:
        with _guard.guard_by(self.disconnect, remaining(TIMEOUT_S)):  # type: ignore[attr-defined]
            super().connect()  # type: ignore[misc]

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        with _guard.guard_by(self.disconnect, remaining(TIMEOUT_S)):  # type: ignore[attr-defined]
            return super().read_response(*args, **kwargs)  # type: ignore[misc]


def connect_redis(url: str) -> Redis:
    """A client that never retries. Reaches no server."""
    pool = ConnectionPool.from_url(
        url,
        decode_responses=True,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
    kind = pool.connection_class
    pool.connection_class = type(f"Bounded{kind.__name__}", (_BoundedConnection, kind), {})
    return Redis.from_pool(pool)
