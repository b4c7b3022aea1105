"""The pool of handlers' processes: every way a handler ends, and what is left of its process."""

import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import tasks.stages.child_pool
from pipeline.child import Raised, Returned
from pipeline.contract import Course, StageInput
from tasks.stages.child_pool import Children
from tasks.stages.child_process import Died, Outcome, Stopped, TimedOut
from tests.integration.tasks.processes import wait_until

HERE = "tests.integration.tasks.handlers"

Run = Callable[..., Outcome]


@pytest.fixture
def children() -> Iterator[Children]:
    pool = Children(1, [])
    yield pool
    pool.stop()


@pytest.fixture
def run(children: Children, tmp_path: Path) -> Run:
    """Runs one of the tests' handlers to its outcome."""

    def run(handler: str, description: str = "", **options: Any) -> Outcome:
        stage_input = StageInput(Course("c", "Курс", description=description), str(tmp_path))
        given: dict[str, Any] = {"timeout_s": 20.0, "on_report": lambda *_: None, "should_stop": lambda: False}
        path = handler if "." in handler else f"{HERE}.{handler}"
        return children.run(path, stage_input, **given | options)

    return run


def pid_of(outcome: Outcome) -> int:
    assert isinstance(outcome, Returned)
    pid: int = outcome.result
    return pid


def test_a_child_runs_one_handler_after_another(run: Run) -> None:
    pids = {pid_of(run("names_itself")) for _ in range(5)}
    assert len(pids) == 1
    assert os.getpid() not in pids


def test_what_goes_in_and_out_may_be_large(run: Run) -> None:
    text = "Текст. " * 1_000_000
    outcome = run("echoes", text)
    assert isinstance(outcome, Returned)
    assert outcome.result.course.description == text


def test_a_child_is_replaced_after_so_many_stages(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.stages.child_pool, "STAGES_PER_CHILD", 2)
    pids = [pid_of(run("names_itself")) for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]
    wait_until(lambda: not psutil.pid_exists(pids[0]))


def test_children_that_die_idle_are_replaced(run: Run, children: Children) -> None:
    for _ in range(3):
        pid = pid_of(run("names_itself"))
        psutil.Process(pid).kill()
        wait_until(lambda pid=pid: not psutil.pid_exists(pid))  # type: ignore[misc]
        assert pid_of(run("names_itself")) != pid


def test_a_handler_that_dies_takes_nobody_along(run: Run) -> None:
    assert run("dies") == Died(-9)
    assert isinstance(run("names_itself"), Returned)


def test_a_handler_whose_import_ends_the_process_is_given_up(run: Run) -> None:
    pool = Children(1, ["tests.integration.tasks.stages.breaking.handle"])
    try:
        outcome = pool.run(
            f"{HERE}.names_itself",
            StageInput(Course("c", "Курс"), ""),
            timeout_s=20,
            on_report=lambda *_: None,
            should_stop=lambda: False,
        )
    finally:
        pool.stop()
    assert outcome == Died(3)


@pytest.mark.parametrize("handler", ["hangs", "freezes"])
def test_a_handler_that_does_not_end_is_killed_at_its_timeout(run: Run, handler: str) -> None:
    before = pid_of(run("names_itself"))
    began = time.monotonic()
    assert run(handler, timeout_s=0.3) == TimedOut()
    assert time.monotonic() - began < 5
    assert not psutil.pid_exists(before)
    assert isinstance(run("names_itself"), Returned)


def test_a_handler_is_stopped_as_soon_as_somebody_says_so(run: Run, tmp_path: Path) -> None:
    began = time.monotonic()
    assert run("hangs", should_stop=(tmp_path / "hanging").exists) == Stopped()
    assert time.monotonic() - began < 5
    assert not psutil.pid_exists(int((tmp_path / "hanging").read_text()))


def test_what_can_not_be_pickled_is_the_handlers_error(run: Run) -> None:
    outcome = run("returns_the_unpicklable")
    assert isinstance(outcome, Raised)
    assert "pickle" in outcome.error


def test_reports_are_passed_on_while_the_handler_runs(run: Run, tmp_path: Path) -> None:
    reports = []

    def note(done: int, total: int) -> None:
        reports.append((done, total))
        (tmp_path / "go").touch()

    assert run("reports_and_waits", on_report=note) == Returned("done")
    assert reports[0] == (1, 2)


def test_what_on_report_raises_ends_the_handler(run: Run) -> None:
    def refuse(done: int, total: int) -> None:
        raise LookupError("no more")

    pid = pid_of(run("names_itself"))
    with pytest.raises(LookupError, match="no more"):
        run("reports_and_waits", on_report=refuse)
    assert not psutil.pid_exists(pid)


def test_what_a_handler_left_running_does_not_report_for_the_next(run: Run, tmp_path: Path) -> None:
    reports = []
    assert run("reports_when_it_is_over") == Returned("done")
    threading.Timer(1.0, (tmp_path / "go").touch).start()
    assert run("reports_and_waits", on_report=lambda *report: reports.append(report)) == Returned("done")
    assert (7, 7) not in reports


def test_stopping_the_pool_ends_what_runs_and_leaves_nobody(run: Run, children: Children, tmp_path: Path) -> None:
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(run("hangs")))
    thread.start()
    wait_until((tmp_path / "hanging").exists)
    children.stop()
    thread.join(10)
    assert outcomes == [Stopped()]
    assert not psutil.pid_exists(int((tmp_path / "hanging").read_text()))


@pytest.fixture
def exhaust() -> Iterator[Callable[[], Callable[[], None]]]:
    """A function that leaves this process no file descriptor, until the function that it returns is called."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)

    def give_back() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    def exhaust() -> Callable[[], None]:
        with Path(os.devnull).open() as lowest_free:
            limit = lowest_free.fileno()
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, before[1]))
        return give_back

    yield exhaust
    give_back()


def test_a_child_that_can_not_be_started_costs_no_result_and_is_waited_for(
    run: Run, exhaust: Callable[[], Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.stages.child_pool, "STAGES_PER_CHILD", 2)
    first = pid_of(run("names_itself"))
    give_back = exhaust()
    threading.Timer(0.5, give_back).start()
    assert pid_of(run("names_itself")) == first
    assert pid_of(run("names_itself")) != first
