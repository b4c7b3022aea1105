"""The pool of handlers' processes: every way a handler ends, and what is left of its process."""

import json
import os
import resource
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest

import tasks.stages.child_pool
from app.generation.stages import Stage
from app.stage_settings import StageLimits
from app.telemetry.log import bind, configure_logging
from pipeline.child.wire import MAX_ERROR, MAX_RESULT, MAX_TRACE, Raised, Returned
from pipeline.contract import Course, StageInput
from tasks.stages.child_pool import COMMON_VARIABLES, Children
from tasks.stages.child_process import Died, Outcome, Stopped, TimedOut
from tests.integration.tasks.processes import wait_until
from tests.logs import logging_restored
from tests.stage_requests import request_for

HERE = "tests.integration.tasks.handlers"
STAGE = Stage.STRUCTURE_ANALYSIS
Run = Callable[..., Outcome]


@pytest.fixture
def make_children() -> Iterator[Callable[..., Children]]:
    """Makes pools; `variables` are those of STRUCTURE_ANALYSIS."""
    made = []

    def make(*handlers: str, variables: tuple[str, ...] = (), on_unavailable: Callable[[], None] = no_call) -> Children:
        stages = dict.fromkeys(Stage, "") | dict.fromkeys([STAGE], "".join(handlers))
        paths = {stage.value: path for stage, path in stages.items()}
        pool = Children(1, paths, {STAGE.value: variables}, on_unavailable=on_unavailable)
        made.append(pool)
        return pool

    yield make
    for pool in made:
        pool.stop()


@pytest.fixture
def children(make_children: Callable[..., Children]) -> Children:
    return make_children()


@pytest.fixture
def run(children: Children, tmp_path: Path) -> Run:
    """Runs one of the tests' handlers to its outcome."""

    def run(handler: str, description: str = "", pool: Children = children, **options: Any) -> Outcome:
        given = StageInput(Course("c", "Курс", description=description), str(tmp_path))
        path = handler if "." in handler else f"{HERE}.{handler}"
        limits = {name: options.pop(name) for name in ("total_s", "silence_s", "cpu_s") if name in options}
        request = request_for(options.pop("stage", STAGE), path, given)
        calls: dict[str, Any] = {"on_report": no_call, "should_stop": lambda: False}
        return pool.run(request, StageLimits(**{"total_s": 30.0} | limits), **calls | options)

    return run


def no_call(*_: object) -> None:
    """Does nothing."""


def said(outcome: Outcome) -> str:
    """What the result of the tests' handler says."""
    assert isinstance(outcome, Returned), outcome
    return str(orjson.loads(outcome.rows)["topic"])


def pid_of(outcome: Outcome) -> int:
    return int(said(outcome))


def is_alive(pid: int) -> bool:
    """A zombie is not; in a container without an init nobody reaps it."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


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
    assert run("names_itself", pool=make_children("tests.integration.tasks.stages.breaking.handle")) == Died(3)


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
    wait_until((tmp_path / "hanging").exists)
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


def test_a_handler_that_falls_silent_is_killed_and_one_that_reports_goes_on(run: Run, tmp_path: Path) -> None:
    reports: list[tuple[int, int]] = []
    outcome = run("reports_and_falls_silent", silence_s=2, on_report=lambda *report: reports.append(report))
    assert outcome == TimedOut("silence")
    assert (3, 100) in reports  # the first two were longer ago than that


def test_processor_time_is_limited_apart_from_time(run: Run, tmp_path: Path) -> None:
    assert run("spins", cpu_s=1) == TimedOut("cpu")
    pid_of(run("names_itself", cpu_s=1))
    threading.Timer(3, (tmp_path / "go").touch).start()
    assert said(run("reports_and_waits", cpu_s=1)) == "Тема"  # it waits longer than that


def test_the_processor_time_of_earlier_stages_does_not_count(run: Run) -> None:
    pids = [pid_of(run("names_itself_slowly", cpu_s=2)) for _ in range(4)]
    assert len(set(pids)) == 1


def test_a_result_may_be_so_large_and_no_larger(run: Run) -> None:
    stage = Stage.FINALIZATION
    fits = run("returns_much", str(MAX_RESULT - 100), stage=stage)
    assert isinstance(fits, Returned)
    too_much = run("returns_much", str(MAX_RESULT), stage=stage)
    assert isinstance(too_much, Raised)
    assert (too_much.final, too_much.message) == (
        True,
        "Результат этапа слишком большой: 64 МБ, можно не больше 64 МБ",
    )


def test_an_error_without_end_is_cut(run: Run) -> None:
    outcome = run("raises_at_length")
    assert isinstance(outcome, Raised)
    assert outcome.error.startswith("ValueError: длинно")
    assert "characters left out" in outcome.error
    assert outcome.error.endswith("\\0\\ud800")
    assert len(outcome.error) < MAX_ERROR + 100
    assert "raises_at_length" in outcome.trace
    assert len(outcome.trace) < MAX_TRACE + 100


def test_an_error_without_a_text_is_one(run: Run) -> None:
    outcome = run("raises_what_has_no_text")
    assert isinstance(outcome, Raised)
    assert outcome.error == "Textless: (no text: LookupError)"


def test_what_is_no_message_costs_the_handler_its_process(run: Run) -> None:
    outcome = run("writes_nonsense_to_every_socket")
    assert isinstance(outcome, Raised)
    assert outcome.error.startswith("Broken")
    assert said(run("echoes", "well")) == "well"


def test_a_handler_gets_the_variables_of_its_stage_and_no_other(
    make_children: Callable[..., Children], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "JWT_SECRET", "WEBHOOK_SECRET", "REDIS_URL", "PROVIDER_KEY", "OTHER"):
        monkeypatch.setenv(name, "secret")
    pool = make_children(variables=("PROVIDER_KEY", "NOT_SET"))
    assert set(json.loads(said(run("names_its_environment", pool=pool)))) - {*COMMON_VARIABLES} == {"PROVIDER_KEY"}


def test_stages_with_variables_of_their_own_have_processes_of_their_own(
    make_children: Callable[..., Children], run: Run
) -> None:
    pool = make_children(variables=("PROVIDER_KEY",))
    run("returns_much", "1", pool=pool, stage=Stage.FINALIZATION)
    pid_of(run("names_itself", pool=pool))
    assert len(psutil.Process().children()) >= 2


def lines_of(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capfd.readouterr()
    assert captured.err == ""
    return [json.loads(line) for line in captured.out.splitlines()]


def test_what_a_handler_prints_and_logs_is_lines_with_the_ids_of_its_job(
    run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    with logging_restored():
        configure_logging("worker", "INFO", "test", "1")
        with bind(jobId="job-1"):
            run("talks")
    lines = lines_of(capfd)
    assert all(line["jobId"] == "job-1" for line in lines)
    assert [line["text"] for line in lines if line["message"] == "handler_output"] == [
        *("печатает", "в два", "ряда", "\\xff\x00binary".replace("\0", "\\0"), "from a program", "без конца строки")
    ]
    [slow] = [line for line in lines if line["message"] == "model_slow"]
    expected = {"level": "warning", "handlerLogger": "plug.in", "seconds": 3, "name_of_it": "модель"}
    assert slow | expected == slow
    [caught] = [line for line in lines if line["message"] == "caught"]
    assert "ValueError: пойман" in caught["trace"]


def test_what_a_handler_prints_without_end_is_left_out(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    with logging_restored():
        configure_logging("worker", "INFO", "test", "1")
        before = psutil.Process().memory_info().rss
        assert isinstance(run("talks_without_end", total_s=120), Returned)
        assert psutil.Process().memory_info().rss - before < 20 * 2**20
    lines = lines_of(capfd)
    left_out = sum(line["lines"] for line in lines if line["message"] == "handler_output_left_out")
    assert left_out + sum(line["message"] == "handler_output" for line in lines) == 250_002
    assert max(len(json.dumps(line)) for line in lines) < 20_000


def test_what_an_earlier_handler_left_running_prints_without_ids(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    with logging_restored():
        configure_logging("worker", "INFO", "test", "1")
        with bind(jobId="job-1"):
            run("leaves_a_talker")
        time.sleep(0.3)
        with bind(jobId="job-2"):
            run("echoes", "x")
    assert [line.get("jobId") for line in lines_of(capfd) if line.get("text") == "поздно"].count(None) >= 2
