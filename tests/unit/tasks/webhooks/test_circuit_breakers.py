"""A receiver that does not answer is left alone for a while, and one that does never waits for it."""

import time

import pytest

from tasks.webhooks import circuit_breakers
from tasks.webhooks.circuit_breakers import BUSY_S, LONGEST_OPEN_S, OPEN_S, CircuitBreakers


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def fall_silent(known: CircuitBreakers, key: str) -> None:
    assert known.acquire(key) is None
    known.release(key, responded=False, took_s=0)


def test_a_receiver_has_so_many_visits_at_once_and_others_their_own(clock: list[float]) -> None:
    known = CircuitBreakers(most=2)
    assert known.acquire("a") is None
    assert known.acquire("a") is None
    wait_s = known.acquire("a")
    assert wait_s is not None
    assert BUSY_S <= wait_s <= 2 * BUSY_S
    assert known.acquire("b") is None
    known.release("a", responded=True, took_s=0)
    assert known.acquire("a") is None


def test_who_is_slow_is_asked_again_later(clock: list[float]) -> None:
    known = CircuitBreakers(most=2)
    assert [known.acquire("a") for _ in range(2)] == [None] * 2
    known.release("a", responded=True, took_s=9)
    assert known.acquire("a") is None
    wait_s = known.acquire("a")
    assert wait_s is not None
    assert 9 <= wait_s <= 18


def test_one_that_was_silent_rests_and_then_has_one_visit_that_decides(clock: list[float]) -> None:
    known = CircuitBreakers(most=4)
    fall_silent(known, "a")
    wait_s = known.acquire("a")
    assert wait_s is not None
    assert OPEN_S <= wait_s <= 2 * OPEN_S
    assert known.acquire("b") is None
    clock[0] += OPEN_S
    assert known.acquire("a") is None
    assert known.acquire("a") is not None
    known.release("a", responded=True, took_s=0)
    assert [known.acquire("a") for _ in range(4)] == [None] * 4


def test_rests_grow_to_the_longest(clock: list[float]) -> None:
    known = CircuitBreakers(most=1)
    for silences in range(1100):
        fall_silent(known, "a")
        rest_s, wait_s = min(OPEN_S * 2 ** min(silences, 10), LONGEST_OPEN_S), known.acquire("a")
        assert wait_s is not None
        assert rest_s <= wait_s <= rest_s + OPEN_S
        clock[0] += rest_s


def test_silences_of_visits_that_were_under_way_together_count_as_one(clock: list[float]) -> None:
    known = CircuitBreakers(most=3)
    assert [known.acquire("a") for _ in range(3)] == [None] * 3
    for _ in range(3):
        known.release("a", responded=False, took_s=0)
    clock[0] += OPEN_S
    assert known.acquire("a") is None


def test_what_is_remembered_is_bounded(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_breakers, "MOST_KNOWN", 10)
    known = CircuitBreakers(most=1)
    for number in range(100):
        fall_silent(known, str(number))
        clock[0] += 2 * OPEN_S
    assert len(known._circuits) <= 10
    assert known.acquire("x") is None
    known.release("x", responded=True, took_s=0)
    assert "x" not in known._circuits
