"""What a handler may use and say: its limits, its result, its variables, its output."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.generation.stages import Stage
from app.telemetry.log import bind, configure_logging
from pipeline.child.wire import MAX_ERROR, MAX_RESULT, MAX_TRACE, Raised, Returned
from tasks.stages.child_pool import COMMON_VARIABLES, Children
from tasks.stages.watch import TimedOut
from tests.integration.tasks.stages.children.outcomes import Run, pid_of, said
from tests.logs import logging_restored


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
