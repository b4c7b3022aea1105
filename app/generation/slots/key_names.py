"""The names of the slots' keys in Redis, each after `REDIS_PREFIX`.

    concurrency:global           sorted set: every holder, scored by when it took its slot (Redis's clock)
    concurrency:global:numbers   sorted set: the same holders, scored by slot number
    concurrency:global:fresh     string for 15 s: these keys were compared with PostgreSQL
    concurrency:user:{user}, …:numbers, …:fresh   the same for one user

A holder is a generation's id. Each such group of three keys is a scope.
"""

import re
from uuid import UUID

#: How UUIDs are written in our keys. Any other spelling is not ours.
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class KeyNames:
    """The names under one prefix. A scope is named by its first key."""

    def __init__(self, prefix: str) -> None:
        self.system = f"{prefix}concurrency:global"
        self._user = f"{prefix}concurrency:user:"
        #: Matches every key of ours in SCAN; `REDIS_PREFIX` has no character that is special there.
        self.pattern = f"{prefix}concurrency:*"

    def of_user(self, user_id: UUID) -> str:
        return f"{self._user}{user_id}"

    def read_user(self, key: str) -> UUID | None:
        """Returns the user whose scope the key names, or None for any other key."""
        user_id = key.removeprefix(self._user)
        return UUID(user_id) if key.startswith(self._user) and _UUID.fullmatch(user_id) else None


def hide_user(key: str) -> str:
    """Returns the key with a * for the user's id."""
    return _UUID.sub("*", key)


def scope_keys(scope: str) -> tuple[str, str, str]:
    """Returns the scope's holders, numbers and marker."""
    return scope, f"{scope}:numbers", f"{scope}:fresh"
