"""The response headers `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11).

Both limits count active generations, the draft's unit `concurrent-requests`. There is no time window, so the fields
have neither `w` nor `t`. `Retry-After` says when a new request is worth sending.
"""

from typing import Protocol


class Counts(Protocol):
    """The limits of active generations and the active ones: the user's and the system's."""

    @property
    def user_limit(self) -> int: ...
    @property
    def user_active(self) -> int: ...
    @property
    def system_limit(self) -> int: ...
    @property
    def system_active(self) -> int: ...


def rate_limit(counts: Counts) -> dict[str, str]:
    """The two headers: each limit, and how much of it is left."""
    user_left = max(0, counts.user_limit - counts.user_active)
    system_left = max(0, counts.system_limit - counts.system_active)
    return {
        "RateLimit-Policy": (
            f'"user";q={counts.user_limit};qu="concurrent-requests",'
            f' "system";q={counts.system_limit};qu="concurrent-requests"'
        ),
        "RateLimit": f'"user";r={user_left}, "system";r={system_left}',
    }
