"""When the JWKS endpoint is fetched, which lookups wait, and which keys are valid meanwhile."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from app.auth.remote_keys import WAIT_S, KeysUnavailable, RemoteKeys
from app.database.deadline import deadline
from tests.conftest import WaitUntil
from tests.jwks import Endpoint, SigningKey, jwks_endpoint, make_key

ONE, TWO = make_key("ES256", "one"), make_key("EdDSA", "two")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with jwks_endpoint() as endpoint:
        endpoint.show(ONE)
        yield endpoint


def knows(keys: RemoteKeys, key: SigningKey) -> bool:
    return keys.find(key.kid, key.algorithm) is not None


def took(work: Callable[[], Any]) -> float:
    """The seconds that it took, even if it failed."""
    begin = time.monotonic()
    with suppress(KeysUnavailable):
        work()
    return time.monotonic() - begin


def test_the_first_lookup_starts_the_first_fetch(endpoint: Endpoint) -> None:
    keys = RemoteKeys(endpoint.url)
    assert keys.current is None
    assert endpoint.asked == 0


def test_keys_are_fetched_once_for_all(endpoint: Endpoint) -> None:
    keys = RemoteKeys(endpoint.url)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: knows(keys, ONE), range(50)))
    assert endpoint.asked == 1


def test_unknown_keys_are_fetched_once_a_cooldown(endpoint: Endpoint, wait_until: WaitUntil) -> None:
    keys = RemoteKeys(endpoint.url, cooldown_s=0.3)
    assert knows(keys, ONE)
    endpoint.show(ONE, TWO)
    assert not any(knows(keys, TWO) for _ in range(20))
    assert endpoint.asked == 1
    wait_until(lambda: knows(keys, TWO))
    assert endpoint.asked == 2


def test_one_of_the_lookups_of_an_unknown_key_waits(endpoint: Endpoint, wait_until: WaitUntil) -> None:
    keys = RemoteKeys(endpoint.url, cooldown_s=0)
    assert knows(keys, ONE)
    endpoint.released.clear()
    first = threading.Thread(target=knows, args=[keys, TWO])
    first.start()
    wait_until(lambda: endpoint.asked == 2)
    assert took(lambda: [knows(keys, key) for key in (ONE, TWO) for _ in range(10)]) < WAIT_S / 4
    assert endpoint.asked == 2
    endpoint.released.set()
    first.join()


def test_a_hanging_endpoint_delays_a_lookup_by_a_bounded_time(endpoint: Endpoint) -> None:
    keys = RemoteKeys(endpoint.url)
    endpoint.released.clear()
    with ThreadPoolExecutor(4) as pool:
        assert all(seconds < WAIT_S + 0.5 for seconds in pool.map(lambda _: took(lambda: knows(keys, ONE)), range(4)))
    assert took(lambda: knows(keys, ONE)) < 0.5  # once is enough


def test_a_lookup_ends_at_the_request_s_deadline(endpoint: Endpoint) -> None:
    endpoint.released.clear()
    with deadline(0.2):
        assert took(lambda: knows(RemoteKeys(endpoint.url), ONE)) < 1


def test_without_any_keys_a_lookup_raises(endpoint: Endpoint, wait_until: WaitUntil) -> None:
    endpoint.status = 500
    keys = RemoteKeys(endpoint.url, cooldown_s=0.2)
    with pytest.raises(KeysUnavailable):
        knows(keys, ONE)
    endpoint.status = 200
    wait_until(lambda: took(lambda: knows(keys, ONE)) < 1 and keys.current is not None)
    assert knows(keys, ONE)


def test_keys_are_fetched_again_without_anybody_waiting(endpoint: Endpoint, wait_until: WaitUntil) -> None:
    keys = RemoteKeys(endpoint.url, refresh_s=0, cooldown_s=0)
    assert knows(keys, ONE)
    endpoint.released.clear()
    assert took(lambda: [knows(keys, ONE) for _ in range(10)]) < WAIT_S / 4
    endpoint.show(TWO)
    endpoint.released.set()
    wait_until(lambda: not knows(keys, ONE))
    assert knows(keys, TWO)


def test_old_keys_are_used_only_after_another_fetch(endpoint: Endpoint) -> None:
    keys = RemoteKeys(endpoint.url, refresh_s=0, max_age_s=0, cooldown_s=0)
    assert knows(keys, ONE)
    endpoint.show(TWO)
    assert not knows(keys, ONE)


@pytest.mark.parametrize("broken", ["status", "body", "hangs", "weak"])
def test_the_last_keys_are_kept_while_the_endpoint_is_down(endpoint: Endpoint, broken: str) -> None:
    keys = RemoteKeys(endpoint.url, refresh_s=0, max_age_s=0, cooldown_s=0)
    assert knows(keys, ONE)
    last = keys.current
    if broken == "hangs":
        endpoint.released.clear()
    elif broken == "status":
        endpoint.status = 503
    elif broken == "body":
        endpoint.body = b"<html>"
    else:
        endpoint.body = b'{"keys": "none"}'
    assert took(lambda: knows(keys, ONE)) < WAIT_S + 0.5
    assert knows(keys, ONE)
    assert not knows(keys, TWO)
    assert keys.current is last


def test_the_same_keys_again_are_no_change(endpoint: Endpoint) -> None:
    keys = RemoteKeys(endpoint.url, refresh_s=0, max_age_s=0, cooldown_s=0)
    assert knows(keys, ONE)
    first = keys.current
    endpoint.show(ONE.jwk(x5t="another spelling"))
    assert knows(keys, ONE)
    assert endpoint.asked == 2
    assert keys.current is first
    endpoint.show(make_key("ES256", "one"))
    assert knows(keys, ONE)
    assert keys.current is not first


def test_an_empty_jwks_removes_all_keys(endpoint: Endpoint) -> None:
    keys = RemoteKeys(endpoint.url, refresh_s=0, max_age_s=0, cooldown_s=0)
    assert knows(keys, ONE)
    endpoint.show()
    assert not knows(keys, ONE)
