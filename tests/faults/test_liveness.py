"""Backends of PostgreSQL that stop, one process's alone: it serves on, or ends and is started again."""

import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import psutil
import pytest

from tests.faults.support.house import House
from tests.faults.support.measure import Measure
from tests.faults.support.waiting import wait_until

pytestmark = pytest.mark.slow


@contextmanager
def backends_stopped(house: House, pid: int) -> Iterator[None]:
    """PostgreSQL's side of every connection of the process stands still for the length of the block.

    None stands still with a lock of the server's own, for which everybody would have to wait.
    """
    ports = {connection.laddr.port for connection in psutil.Process(pid).net_connections("tcp") if connection.raddr}
    found = house.rows("select pid, client_port from pg_stat_activity where client_port is not null")
    backends = [row["pid"] for row in found if row["client_port"] in ports]
    assert backends
    for _ in range(100):
        send(signal.SIGSTOP, backends)
        idle = "select from pg_stat_activity where pid = any (%s) and state = 'idle' and wait_event = 'ClientRead'"
        if len(house.rows(idle, backends)) == len(backends):
            break
        send(signal.SIGCONT, backends)
        time.sleep(0.05)
    try:
        yield
    finally:
        send(signal.SIGCONT, backends)


def send(number: signal.Signals, pids: Iterable[int]) -> None:
    for pid in pids:
        os.kill(pid, number)


def test_a_worker_whose_backends_stand_still_serves_on(house: House, measure: Measure) -> None:
    assert house.serves()
    with backends_stopped(house, house.processes.pid("worker")), measure("worker serves"):
        house.admit([house.course()])
        # Each of its own connections has 30 s for a statement.
        wait_until(lambda: house.statuses() == {"completed": 2}, seconds=150)
    house.settle()


def test_an_upkeep_whose_backends_stand_still_works_on(house: House, measure: Measure) -> None:
    course = house.course(doing="hangs")
    house.admit([course])
    with backends_stopped(house, house.processes.pid("upkeep")), measure("upkeep works"):
        with house.redis_client() as client:
            client.flushall()
        wait_until(lambda: house.proposed() == 1, seconds=150)
    assert house.cancel(course)[0] == 200
    house.settle()
