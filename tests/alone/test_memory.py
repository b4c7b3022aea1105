"""The memory of the service as it ships: small while idle, and not growing with use.

Memory that other processes share with the service would not count in full, so none run beside it.
"""

import pytest

from bench.measures.workers.memory_use import API_BELOW_MIB, WORKER_BELOW_MIB, measure_growth, measure_idle

#: What allocators, new children and the order of things may add; four kilobytes lost per request would be more.
TOLERANCE_MIB = 6.0


def test_idle_api_and_workers_stay_within_their_bounds() -> None:
    idle = measure_idle(print)
    assert idle.api < API_BELOW_MIB
    assert idle.worker < WORKER_BELOW_MIB
    assert idle.upkeep < WORKER_BELOW_MIB


@pytest.mark.slow
def test_neither_requests_nor_generations_leave_anything_behind() -> None:
    growth = measure_growth(2000, 100, print)
    for before, after in (growth.api, growth.worker, growth.upkeep):
        assert after - before < TOLERANCE_MIB
