"""A receiver that does not respond gets no requests for a while, and does not delay the others."""

import time

import pytest

from tasks.webhooks import circuit_breakers
from tasks.webhooks.circuit_breakers import BUSY_S, LONGEST_OPEN_S, OPEN_S, CircuitBreakers


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def fail(breakers: CircuitBreakers, key: str) -> None:
    assert breakers.acquire(key) is None
    breakers.release(key, responded=False, took_s=0)


def test_each_receiver_has_its_own_limit_of_concurrent_requests(clock: list[float]) -> None:
    breakers = CircuitBreakers(most=2)
    assert breakers.acquire("a") is None
    assert breakers.acquire("a") is None
    wait_s = breakers.acquire("a")
    assert wait_s is not None
    assert BUSY_S <= wait_s <= 2 * BUSY_S
    assert breakers.acquire("b") is None
    breakers.release("a", responded=True, took_s=0)
    assert breakers.acquire("a") is None


def test_a_slow_receiver_is_retried_later(clock: list[float]) -> None:
    breakers = CircuitBreakers(most=2)
    assert [breakers.acquire("a") for _ in range(2)] == [None] * 2
    breakers.release("a", responded=True, took_s=9)
    assert breakers.acquire("a") is None
    wait_s = breakers.acquire("a")
    assert wait_s is not None
    assert 9 <= wait_s <= 18


def test_after_a_failure_the_circuit_opens_and_then_one_request_decides(clock: list[float]) -> None:
    breakers = CircuitBreakers(most=4)
    fail(breakers, "a")
    wait_s = breakers.acquire("a")
    assert wait_s is not None
    assert OPEN_S <= wait_s <= 2 * OPEN_S
    assert breakers.acquire("b") is None
    clock[0] += OPEN_S
    assert breakers.acquire("a") is None
    assert breakers.acquire("a") is not None
    breakers.release("a", responded=True, took_s=0)
    assert [breakers.acquire("a") for _ in range(4)] == [None] * 4


def test_the_circuit_stays_open_longer_after_each_failure_up_to_a_limit(clock: list[float]) -> None:
    breakers = CircuitBreakers(most=1)
    for failures in range(1100):
        fail(breakers, "a")
        open_s, wait_s = min(OPEN_S * 2 ** min(failures, 10), LONGEST_OPEN_S), breakers.acquire("a")
        assert wait_s is not None
        assert open_s <= wait_s <= open_s + OPEN_S
        clock[0] += open_s


def test_failures_of_simultaneous_requests_count_as_one(clock: list[float]) -> None:
    breakers = CircuitBreakers(most=3)
    assert [breakers.acquire("a") for _ in range(3)] == [None] * 3
    for _ in range(3):
        breakers.release("a", responded=False, took_s=0)
    clock[0] += OPEN_S
    assert breakers.acquire("a") is None


def test_the_number_of_known_receivers_is_bounded(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_breakers, "MOST_KNOWN", 10)
    breakers = CircuitBreakers(most=1)
    for number in range(100):
        fail(breakers, str(number))
        clock[0] += 2 * OPEN_S
    assert len(breakers._circuits) <= 10
    assert breakers.acquire("x") is None
    breakers.release("x", responded=True, took_s=0)
    assert "x" not in breakers._circuits
