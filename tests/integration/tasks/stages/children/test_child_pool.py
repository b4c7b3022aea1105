"""The pool of handlers' processes: every way a handler ends, and what is left of its process."""

import os
import resource
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

import tasks.stages.child_pool
from pipeline.child.wire import Raised, Returned
from tasks.stages.child_pool import Children
from tasks.stages.child_process import Died
from tasks.stages.watch import Stopped, TimedOut
from tests.integration.tasks.processes import is_written, wait_until
from tests.integration.tasks.stages.children.outcomes import Run, is_alive, pid_of, said


def test_a_child_runs_one_handler_after_another(run: Run) -> None:
    pids = {pid_of(run("names_itself")) for _ in range(5)}
    assert len(pids) == 1
    assert os.getpid() not in pids


def test_what_goes_in_and_out_may_be_large(run: Run) -> None:
    text = "Текст. " * 1_000_000
    assert said(run("echoes", text)) == text.strip()


def test_a_child_is_replaced_after_so_many_stages(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.stages.child_pool, "STAGES_PER_CHILD", 2)
    pids = [pid_of(run("names_itself")) for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]
    wait_until(lambda: not is_alive(pids[0]))


def test_children_that_die_idle_are_replaced(run: Run, children: Children) -> None:
    for _ in range(3):
        pid = pid_of(run("names_itself"))
        psutil.Process(pid).kill()
        wait_until(lambda pid=pid: not is_alive(pid))  # type: ignore[misc]
        assert pid_of(run("names_itself")) != pid


def test_a_handler_that_dies_takes_nobody_along(run: Run) -> None:
    assert run("dies") == Died(-9)
    assert isinstance(run("names_itself"), Returned)


def test_a_handler_whose_import_ends_the_process_is_given_up(run: Run, make_children: Callable[..., Children]) -> None:
    assert run("names_itself", pool=make_children("tests.integration.tasks.stages.children.breaking.handle")) == Died(3)


@pytest.mark.parametrize("handler", ["hangs", "freezes"])
def test_a_handler_that_does_not_end_is_killed_at_its_timeout(run: Run, handler: str) -> None:
    before = pid_of(run("names_itself"))
    began = time.monotonic()
    assert run(handler, total_s=0.3) == TimedOut("total")
    assert time.monotonic() - began < 5
    assert not is_alive(before)
    assert isinstance(run("names_itself"), Returned)


def test_a_handler_is_stopped_as_soon_as_somebody_says_so(run: Run, tmp_path: Path) -> None:
    began = time.monotonic()
    assert run("hangs", should_stop=(tmp_path / "hanging").exists) == Stopped()
    assert time.monotonic() - began < 5
    assert not is_alive(int((tmp_path / "hanging").read_text()))


def test_what_a_handler_did_to_its_process_fails_one_start_of_another_at_most(run: Run) -> None:
    ruined = pid_of(run("ruins_its_process"))
    assert isinstance(run("prints"), Raised)
    assert pid_of(run("prints")) != ruined
    assert not is_alive(ruined)


def test_a_refusal_keeps_the_process(run: Run) -> None:
    before = pid_of(run("names_itself"))
    assert isinstance(run("refuses"), Raised)
    assert pid_of(run("names_itself")) == before


def test_a_result_of_another_type_is_the_handlers_error(run: Run) -> None:
    outcome = run("returns_nonsense")
    assert isinstance(outcome, Raised)
    assert outcome.error == "WrongResult: STRUCTURE_ANALYSIS returns Brief, not dict"


def test_reports_are_passed_on_while_the_handler_runs(run: Run, tmp_path: Path) -> None:
    reports = []

    def note(done: int, total: int) -> None:
        reports.append((done, total))
        (tmp_path / "go").touch()

    assert said(run("reports_and_waits", on_report=note)) == "Тема"
    assert reports[0] == (1, 2)


def test_what_on_report_raises_ends_the_handler(run: Run) -> None:
    def refuse(done: int, total: int) -> None:
        raise LookupError("no more")

    pid = pid_of(run("names_itself"))
    with pytest.raises(LookupError, match="no more"):
        run("reports_and_waits", on_report=refuse)
    assert not is_alive(pid)


def test_what_a_handler_left_running_does_not_report_for_the_next(run: Run, tmp_path: Path) -> None:
    reports = []
    assert said(run("reports_when_it_is_over")) == "Тема"
    threading.Timer(1.0, (tmp_path / "go").touch).start()
    assert said(run("reports_and_waits", on_report=lambda *report: reports.append(report))) == "Тема"
    assert (7, 7) not in reports


def test_stopping_the_pool_ends_what_runs_and_leaves_nobody(run: Run, children: Children, tmp_path: Path) -> None:
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(run("hangs")))
    thread.start()
    wait_until(lambda: is_written(tmp_path / "hanging"))
    children.stop()
    thread.join(10)
    assert outcomes == [Stopped()]
    assert not is_alive(int((tmp_path / "hanging").read_text()))


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


def test_children_start_whatever_becomes_of_the_temporary_folder(
    make_children: Callable[..., Children], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    pool = make_children()
    first = pid_of(run("names_itself", pool=pool))
    shutil.rmtree(scratch)
    psutil.Process(first).kill()
    wait_until(lambda: not is_alive(first))
    assert pid_of(run("names_itself", pool=pool)) != first


def test_a_worker_that_can_start_no_child_is_given_up_and_its_stage_handed_back(
    make_children: Callable[..., Children], run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tasks.stages.child_pool, "START_PATIENCE_S", 1.5)
    monkeypatch.setattr(tasks.stages.child_pool, "RESTART_S", 0.2)
    monkeypatch.setattr("sys.executable", str(tmp_path / "gone"))
    given_up: list[bool] = []
    assert run("names_itself", pool=make_children(on_unavailable=lambda: given_up.append(True))) == Stopped()
    assert given_up == [True]


def test_children_that_end_before_they_begin_are_no_fault_of_the_stage(
    make_children: Callable[..., Children], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.stages.child_pool, "START_PATIENCE_S", 1.5)
    monkeypatch.setattr(tasks.stages.child_pool, "RESTART_S", 0.2)
    monkeypatch.setattr("sys.executable", "/bin/false")
    given_up: list[bool] = []
    assert run("names_itself", pool=make_children(on_unavailable=lambda: given_up.append(True))) == Stopped()
    assert given_up == [True]


def test_a_handler_that_forked_is_noticed_as_soon_as_it_dies_and_leaves_nobody(run: Run, tmp_path: Path) -> None:
    began = time.monotonic()
    assert run("forks_and_dies", total_s=60) == Died(-9)
    assert time.monotonic() - began < 20
    wait_until(lambda: not is_alive(int((tmp_path / "helper").read_text())))


@pytest.mark.parametrize("end", ["timeout", "stop", "shutdown"])
def test_what_a_handler_started_ends_with_it(run: Run, children: Children, tmp_path: Path, end: str) -> None:
    hanging = tmp_path / "hanging"
    if end == "timeout":
        assert run("hangs_with_a_helper", total_s=5) == TimedOut("total")
    elif end == "stop":
        assert run("hangs_with_a_helper", should_stop=hanging.exists) == Stopped()
    else:
        thread = threading.Thread(target=run, args=("hangs_with_a_helper",))
        thread.start()
        wait_until(hanging.exists)
        children.stop()
        thread.join(10)
    wait_until(lambda: not is_alive(int((tmp_path / "helper").read_text())), 5)
    assert not is_alive(int(hanging.read_text()))
