"""The headers `RateLimit-Policy` and `RateLimit`."""

import pytest

from app.generation.slots.holders import SlotUse
from app.http.rate_limit import rate_limit


def test_both_limits_are_named_with_their_unit_and_what_is_left() -> None:
    assert rate_limit(SlotUse(user_limit=5, user_active=2, system_limit=30, system_active=30)) == {
        "RateLimit-Policy": '"user";q=5;qu="concurrent-requests", "system";q=30;qu="concurrent-requests"',
        "RateLimit": '"user";r=3, "system";r=0',
    }


@pytest.mark.parametrize("active", [3, 4, 100])
def test_the_remaining_slots_are_never_negative(active: int) -> None:
    """More may be active than the limit allows: it was lowered, or the user's tier was."""
    fields = rate_limit(SlotUse(user_limit=3, user_active=active, system_limit=3, system_active=active))
    assert fields["RateLimit"] == '"user";r=0, "system";r=0'
