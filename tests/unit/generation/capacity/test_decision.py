"""How the dynamic limit moves."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.generation.capacity.decision import RECOVERED_S, SETTLED_S, Host, Reason, Situation, decide

#: Eight places on two hosts with room. All three slots are taken and a request was just refused.
FULL = Situation(limit=3, lowest=3, highest=10, active=3, refused=1, hosts=(Host(4, 0.1, 0.5), Host(4, 0.1, 0.5)))
HIGH = replace(FULL, limit=6, active=6)


def hosts(cpu: float | None, memory: float | None, places: int = 8) -> tuple[Host]:
    return (Host(places, cpu, memory),)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(FULL, (4, Reason.DEMAND), id="refused"),
        pytest.param(replace(FULL, refused=0), (3, Reason.STAYS), id="nobody wants more"),
        pytest.param(replace(FULL, refused=0, waiting=2, oldest_s=5), (4, Reason.DEMAND), id="waiting"),
        pytest.param(replace(FULL, refused=0, waiting=2, oldest_s=4), (3, Reason.STAYS), id="waiting for a moment"),
        pytest.param(replace(FULL, active=2), (3, Reason.STAYS), id="a slot became free"),
        pytest.param(replace(FULL, changed_s=SETTLED_S - 1), (3, Reason.STAYS), id="moved just now"),
        pytest.param(replace(FULL, changed_s=SETTLED_S), (4, Reason.DEMAND), id="moved a while ago"),
        pytest.param(
            replace(FULL, changed_s=SETTLED_S, lowered_s=RECOVERED_S - 1), (3, Reason.STAYS), id="lowered just now"
        ),
        pytest.param(replace(FULL, hosts=()), (3, Reason.STAYS), id="no worker lives"),
        pytest.param(replace(FULL, hosts=hosts(0.1, 0.5, 3)), (3, Reason.STAYS), id="no place is left"),
        pytest.param(replace(FULL, hosts=hosts(0.1, 0.5, 4)), (4, Reason.DEMAND), id="one place is left"),
        pytest.param(replace(FULL, hosts=hosts(None, None)), (4, Reason.DEMAND), id="hosts that say nothing"),
        pytest.param(replace(FULL, hosts=hosts(0.6, 0.5)), (3, Reason.STAYS), id="busy, not pressed"),
        pytest.param(replace(FULL, hosts=hosts(0.1, 0.15)), (3, Reason.STAYS), id="memory scarce, not short"),
        pytest.param(replace(FULL, hosts=(Host(2, 0.9, 0.5), Host(6, 0.1, 0.5))), (4, Reason.DEMAND), id="few pressed"),
        pytest.param(replace(FULL, hosts=hosts(0.9, 0.5)), (3, Reason.STAYS), id="pressed at the lowest"),
        pytest.param(replace(FULL, limit=10, active=10, hosts=hosts(0.1, 0.5, 99)), (10, Reason.STAYS), id="highest"),
        pytest.param(replace(HIGH, hosts=hosts(0.9, 0.5)), (5, Reason.PROCESSOR), id="processor pressed"),
        pytest.param(replace(HIGH, hosts=hosts(0.1, 0.05)), (5, Reason.MEMORY), id="memory short"),
        pytest.param(replace(HIGH, hosts=(Host(4, 0.9, 0.5), Host(4, 0.1, 0.5))), (5, Reason.PROCESSOR), id="half"),
        pytest.param(replace(HIGH, busy=1), (5, Reason.PROVIDERS), id="a provider asks to wait"),
        pytest.param(replace(HIGH, busy=1, changed_s=1), (6, Reason.STAYS), id="pressed, and moved just now"),
        pytest.param(replace(HIGH, active=0, refused=0), (6, Reason.STAYS), id="idle"),
        pytest.param(replace(HIGH, hosts=hosts(0.1, 0.5, 4), changed_s=1), (4, Reason.PLACES), id="workers lost"),
        pytest.param(replace(HIGH, hosts=()), (3, Reason.PLACES), id="all workers lost"),
        pytest.param(replace(HIGH, highest=5), (5, Reason.BOUNDS), id="a lower bound was set"),
        pytest.param(replace(FULL, lowest=5, highest=5), (5, Reason.BOUNDS), id="a higher bound was set"),
    ],
)
def test_the_limit_moves_by_one_and_for_a_reason(now: Situation, expected: tuple[int, Reason]) -> None:
    assert decide(now) == expected


SHARES = st.none() | st.floats(0, 1)
SITUATIONS = st.builds(
    lambda lowest, more, **given: Situation(lowest=lowest, highest=lowest + more, **given),
    lowest=st.integers(1, 12),
    more=st.integers(0, 12),
    limit=st.integers(1, 30),
    active=st.integers(0, 40),
    hosts=st.lists(st.builds(Host, st.integers(0, 10), SHARES, SHARES), max_size=4).map(tuple),
    refused=st.integers(0, 3),
    waiting=st.integers(0, 3),
    oldest_s=st.floats(0, 60),
    busy=st.integers(0, 1),
)


@given(SITUATIONS)
def test_whatever_lasts_moves_it_one_way_within_its_bounds_until_it_rests(now: Situation) -> None:
    moves = []
    for second in range(0, 1200, 5):
        limit, reason = decide(now)
        assert now.lowest <= limit <= now.highest
        assert limit <= max(now.lowest, now.places)
        assert (limit == now.limit) == (reason is Reason.STAYS)
        if second:  # the first may have to lead back within the bounds
            assert abs(limit - now.limit) <= 1
            moves += [limit - now.limit] if limit != now.limit else []
        since = None if now.changed_s is None else now.changed_s + 5
        lowered = None if now.lowered_s is None else now.lowered_s + 5
        now = replace(
            now,
            limit=limit,
            changed_s=since if limit == now.limit else 5,
            lowered_s=5 if limit < now.limit else lowered,
        )
    assert len(set(moves)) <= 1
    assert not moves or second > 5 * len(moves)
    assert decide(now)[0] == now.limit
