"""The draft fields `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11).

Both limits are of generations at once, which is the draft's unit `concurrent-requests`: there is no window after which
a slot is free, so neither `w` nor `t` is said. `Retry-After` says when it is worth trying again.
"""

from typing import Protocol


class Counts(Protocol):
    """How many generations may be active, and are: the user's and all."""

    @property
    def user_limit(self) -> int: ...
    @property
    def user_active(self) -> int: ...
    @property
    def system_limit(self) -> int: ...
    @property
    def system_active(self) -> int: ...


def rate_limit(counts: Counts) -> dict[str, str]:
    """The two fields: each limit, and how much of it is left."""
    user_left = max(0, counts.user_limit - counts.user_active)
    system_left = max(0, counts.system_limit - counts.system_active)
    return {
        "RateLimit-Policy": (
            f'"user";q={counts.user_limit};qu="concurrent-requests",'
            f' "system";q={counts.system_limit};qu="concurrent-requests"'
        ),
        "RateLimit": f'"user";r={user_left}, "system";r={system_left}',
    }
