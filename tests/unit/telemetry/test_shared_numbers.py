"""Numbers that processes count together: by fork, after a death, and when there is no room."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from app.telemetry import counters
from app.telemetry.counters import Counters, shared_counters
from app.telemetry.shared_numbers import SLOT_BYTES, NumberTable, SharedNumbers
from tests.conftest import WaitUntil


def in_a_child(act: Callable[[], object], *, then_wait: bool = False) -> int:
    """Runs it in a forked process, whose id is returned once it has been done."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        act()
        os.write(write, b"done")
        if then_wait:
            signal.pause()
        os._exit(0)
    os.close(write)
    assert os.read(read, 4) == b"done"
    os.close(read)
    if not then_wait:
        os.waitpid(pid, 0)
    return pid


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def report(collector: Counters) -> list[str]:
    registry = CollectorRegistry()
    registry.register(collector)
    return [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]


def count(streams: int = 0) -> None:
    own = Counters()
    own.requests.labels("/livez", "GET", 200).inc()
    own.streams.inc(streams)


def test_processes_count_together_and_the_dead_are_remembered() -> None:
    with shared_counters(2):
        living = in_a_child(lambda: count(streams=2), then_wait=True)
        in_a_child(lambda: count(streams=5))
        lines = report(Counters())
        assert 'http_requests_total{method="GET",route="/livez",status="200"} 2.0' in lines
        assert "coursegen_event_streams 2.0" in lines
        kill(living)
        assert "coursegen_event_streams 0.0" in report(Counters())


def test_processes_that_come_and_go_use_no_more_room() -> None:
    with shared_counters(1):
        for _ in range(20):
            in_a_child(count)
        assert 'http_requests_total{method="GET",route="/livez",status="200"} 20.0' in report(Counters())


def test_a_process_without_a_table_counts_for_itself(wait_until: WaitUntil) -> None:
    with shared_counters(0):
        others = [in_a_child(count, then_wait=True) for _ in range(counters.SPARE_TABLES)]
        own = Counters()
        own.requests.labels("/livez", "GET", 200).inc()
        assert 'http_requests_total{method="GET",route="/livez",status="200"} 1.0' in report(own)
        for other in others:
            kill(other)


def test_a_table_that_is_full_counts_on_what_it_has() -> None:
    table = NumberTable(memoryview(bytearray(SLOT_BYTES)))
    assert table.add(b"first", 1, {0: 1})
    kept = [table.add(b"key %d" % number, 12, {0: 1}) for number in range(5_000)]
    assert 1_000 < sum(kept) < len(kept)
    assert table.add(b"first", 1, {0: 1})
    assert table.read()[b"first"] == [2.0]


def test_a_process_killed_while_it_added_a_key_spoils_nothing() -> None:
    memory = memoryview(bytearray(SLOT_BYTES))
    table = NumberTable(memory)
    table.add(b"whole", 1, {0: 1})
    used = bytes(memory[:8])
    table.add(b"half", 3, {0: 1})
    memory[:8] = used  # it had not come so far
    assert NumberTable(memory).read() == {b"whole": [1.0]}
    assert NumberTable(memory).add(b"other", 1, {0: 1})


def test_a_bucket_has_the_values_up_to_its_bound() -> None:
    own = Counters()
    for seconds in (0.005, 0.0051, 7):
        own.seconds.labels("/livez", "GET").observe(seconds)
    lines = [line for line in report(own) if "bucket" in line]
    assert [float(line.rpartition(" ")[2]) for line in lines] == [1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3]


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="only Linux has files in memory")
def test_the_memory_has_no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    SharedNumbers(1).close()
