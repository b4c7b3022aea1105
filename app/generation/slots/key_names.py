"""The names of the slots' keys in Redis.

Each a sorted set of generation ids, or a marker of 15 s:

    concurrency:user:{user}            the user's holders, by the time taken
    concurrency:user:{user}:numbers    the same, by slot number
    concurrency:user:{user}:fresh      marker: compared with PostgreSQL within the last 15 s
    concurrency:global, …:numbers, …:fresh   the same for the system
    concurrency:global:renewing        marker of 3 s: some process compares the system's now
"""

import re
from uuid import UUID

SYSTEM = "concurrency:global"
RENEWING = f"{SYSTEM}:renewing"
_USER = "concurrency:user:"

#: Every key of this service.
PATTERN = "concurrency:*"

MARKER_S = 15
USER_KEY_S = 3600

#: As UUIDs are written in keys and members; what is written otherwise is nobody's.
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def user_key(user_id: UUID) -> str:
    return f"{_USER}{user_id}"


def numbers_key(key: str) -> str:
    return f"{key}:numbers"


def marker_key(key: str) -> str:
    return f"{key}:fresh"


def read_user(key: str) -> UUID | None:
    """Whose holders the key has; None for any other key."""
    return read_uuid(key.removeprefix(_USER)) if key.startswith(_USER) else None


def read_uuid(text: str) -> UUID | None:
    return UUID(text) if _UUID.fullmatch(text) else None
