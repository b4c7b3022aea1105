"""The response headers `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11).

Both limits count active generations, the draft's unit `concurrent-requests`. There is no time window, so the fields
have neither `w` nor `t`. `Retry-After` says when a new request is worth sending.
"""

from app.generation.errors import SlotsFull
from app.generation.slots.holders import SlotUse


def rate_limit(counts: SlotUse | SlotsFull) -> dict[str, str]:
    """The two headers: each limit, and how much of it is left."""
    limits = {"user": counts.user_limit, "system": counts.system_limit}
    active = {"user": counts.user_active, "system": counts.system_active}
    policies = [f'"{name}";q={limit};qu="concurrent-requests"' for name, limit in limits.items()]
    left = [f'"{name}";r={max(0, limit - active[name])}' for name, limit in limits.items()]
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}
