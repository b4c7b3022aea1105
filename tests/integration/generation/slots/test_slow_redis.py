"""A Redis that answers, a byte at a time."""

import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from app.generation.slots.keeper import SlotKeeper
from tests.integration.generation.proxy import Proxy, proxied
from tests.integration.generation.slots.conftest import claim, take

#: The answer of a script takes several times as long, and each of its bytes comes in time.
DRIP_S = 0.2
#: Far longer than the limit of one call, far shorter than an answer.
PATIENCE_S = 3.0


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    with proxied(redis_url) as proxy:
        yield proxy


@pytest.fixture
def keeper(clean: None, proxy: Proxy) -> Iterator[SlotKeeper]:
    keeper = SlotKeeper(proxy.url, lambda users: [])
    yield keeper
    keeper.close()


CALLS: dict[str, Callable[[SlotKeeper], object]] = {
    "take": lambda keeper: keeper.take_all([claim(uuid4(), uuid4())]),
    "release": lambda keeper: keeper.release(uuid4(), uuid4()),
    "problem": lambda keeper: keeper.problem(),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("connected", [True, False])
def test_a_call_ends_in_time_however_slowly_the_bytes_come(
    keeper: SlotKeeper, proxy: Proxy, call: str, connected: bool
) -> None:
    if connected:
        take(keeper, uuid4(), uuid4())
    proxy.drip_s = DRIP_S
    began = time.monotonic()
    CALLS[call](keeper)
    assert time.monotonic() - began < PATIENCE_S
    assert keeper.problem() == "unavailable"


def test_it_is_used_again_once_it_answers_in_time(
    keeper: SlotKeeper, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.drip_s = DRIP_S
    assert keeper.take_all([claim(uuid4(), uuid4())]) == [None]
    proxy.drip_s = 0
    monkeypatch.setattr("app.generation.slots.keeper.BREAKER_S", 0.0)
    time_limit = time.monotonic() + 10
    while keeper.problem() is not None:
        assert time.monotonic() < time_limit
    assert take(keeper, uuid4(), uuid4()).system_slot == 1
