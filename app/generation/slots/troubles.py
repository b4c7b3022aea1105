"""Why Redis does not serve, in words for operators and without secrets."""

import re

from redis import RedisError

#: By the class of the error, or by its text: an error inside a script has the code of the command in its text.
_TROUBLES = (
    (r"AuthenticationError|NOAUTH", "refuses the password: correct REDIS_URL"),
    (r"Cluster\w*Error|MovedError|CROSSSLOT|MOVED", "runs in cluster mode: use a Redis without it"),
    (r"ReadOnlyError|READONLY", "is a read-only replica: REDIS_URL must name the primary"),
    (r"OutOfMemoryError|OOM", "has no memory left: raise its maxmemory"),
    (
        r"NoPermissionError|NOPERM|ACL failure|can't run this command",
        "refuses the scripts of this user: its ACL must allow scripts and the keys `concurrency:*`",
    ),
    (r"BusyLoadingError|LOADING", "loads its data: wait"),
    (r"MISCONF", "refuses writes because it cannot save: make room on its disk, or turn saving off"),
    (r"MasterDownError|MASTERDOWN|NOREPLICAS", "has lost its primary or its replicas: check its replication"),
    (r"unknown command", "does not know a command: use Redis 6.2 or later, or Valkey"),
    (r"ResponseError", "refuses the scripts: `redis_unavailable` in the log has its error"),
)


def describe_trouble(error: RedisError) -> str:
    """What is wrong with Redis and what helps, or "unavailable" if nothing more is known."""
    text = f"{type(error).__name__} {error}"
    return next((trouble for pattern, trouble in _TROUBLES if re.search(pattern, text)), "unavailable")
