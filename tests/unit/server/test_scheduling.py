"""What the API asks of the kernel is a wish."""

import os

import pytest

from app.server.scheduling import let_wakers_go_on


@pytest.mark.parametrize("error", [PermissionError, OSError])
def test_a_system_that_refuses_the_policy_keeps_nothing_from_starting(
    monkeypatch: pytest.MonkeyPatch, error: type[OSError]
) -> None:
    asked = []

    def refuse(*policy: object) -> None:
        asked.append(policy)
        raise error

    monkeypatch.setattr(os, "SCHED_BATCH", 3, raising=False)
    monkeypatch.setattr(os, "sched_param", int, raising=False)
    monkeypatch.setattr(os, "sched_setscheduler", refuse, raising=False)
    let_wakers_go_on()
    assert len(asked) == 1


def test_a_system_without_it_is_asked_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.delattr(os, "SCHED_BATCH", raising=False)
    monkeypatch.setattr(os, "sched_setscheduler", lambda *policy: asked.append(policy), raising=False)
    let_wakers_go_on()
    assert asked == []
