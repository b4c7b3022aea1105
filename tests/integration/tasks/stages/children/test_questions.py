"""What handlers ask while they run, and what is kept of what they say."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.child.wire import Raised, Returned
from pipeline.testing import Units
from tasks.stages.child_pool import Children
from tasks.stages.handler_output import TAIL_BYTES, TAIL_LINES
from tests.integration.tasks.processes import is_written, wait_until
from tests.integration.tasks.stages.children.outcomes import Run, is_alive, pid_of

PAID = "tests.integration.tasks.paid_handlers"


def test_threads_may_ask_and_one_that_is_left_behind_gets_no_answer(run: Run, tmp_path: Path) -> None:
    units = Units()
    assert isinstance(run(f"{PAID}.asks_in_threads", answer=units.answer), Returned)
    assert len(units.results) == 20
    assert units.tokens > 0
    pid = pid_of(run("names_itself"))
    wait_until(lambda: is_written(tmp_path / "asked"))
    assert (tmp_path / "asked").read_text() == "RuntimeError('The handler has ended')"
    assert pid_of(run("names_itself")) == pid


def test_the_clocks_stand_while_the_worker_answers(run: Run) -> None:
    units = Units()

    def answer_slowly(question: dict[str, Any], result: bytes) -> tuple[dict[str, Any], bytes]:
        time.sleep(1)
        return units.answer(question, result)

    assert isinstance(run(f"{PAID}.asks_slowly", answer=answer_slowly, total_s=2.5, silence_s=0.9), Returned)
    assert units.calls == 3


def test_what_an_answer_raises_ends_the_handler(run: Run) -> None:
    pid = pid_of(run("names_itself"))
    with pytest.raises(LookupError, match="Nobody answers"):
        run(f"{PAID}.asks_slowly")
    assert not is_alive(pid)


def test_a_question_that_is_none_costs_the_handler_its_process(run: Run) -> None:
    outcome = run(f"{PAID}.asks_nonsense")
    assert isinstance(outcome, Raised)
    assert outcome.error.startswith("Broken: the handler's process asked nonsense")


def test_a_busy_provider_keeps_the_process(run: Run) -> None:
    pid = pid_of(run("names_itself"))
    outcome = run(f"{PAID}.busy", "7")
    assert isinstance(outcome, Raised)
    assert (outcome.is_busy, outcome.pause_s) == (True, 7)
    assert pid_of(run("names_itself")) == pid


def test_errors_and_lines_name_a_secret_variable_and_not_its_value(
    make_children: Callable[..., Children], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {"PROVIDER_KEY": "sk-0123456789", "MY_TOKEN": "sk-0123456789abcdef", "HTTPS_PROXY": "http://u:p@proxy"}
    others = {"MODEL": "a-model-of-some-name", "SHORT_KEY": "abc"}
    for name, value in (secrets | others).items():
        monkeypatch.setenv(name, value)
    pool = make_children(variables=(*secrets, *others))
    kept: list[str] = []
    outcome = run(f"{PAID}.tells_all", pool=pool, on_log=kept.append)
    assert isinstance(outcome, Raised)
    told = "[HTTPS_PROXY] a-model-of-some-name [MY_TOKEN] [PROVIDER_KEY] abc"
    assert (outcome.error, outcome.message) == (f"StageFailed: {told}", told)
    [printed, logged] = map(json.loads, kept[0].splitlines())
    assert (printed["text"], logged["message"], logged["all"]) == (told, told, told)
    said = "".join(kept) + outcome.error + outcome.trace
    assert not any(value in said for value in secrets.values())


def test_of_a_run_that_says_much_the_last_lines_are_kept(run: Run) -> None:
    kept: list[str] = []
    run("talks_without_end", total_s=120, on_log=kept.append)
    lines = kept[0].splitlines()
    assert len(lines) == TAIL_LINES
    assert json.loads(lines[-1])["text"] == "последнее"
    run("talks", on_log=kept.append)
    assert "последнее" not in kept[1]
    run("names_itself", on_log=kept.append)
    assert len(kept) == 2
    run(f"{PAID}.talks_at_length", on_log=kept.append)
    assert len(kept[2].encode()) <= TAIL_BYTES
    assert len(kept[2].splitlines()) > 10
