"""Handlers' processes run by hand: pools, and requests of the tests' handlers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.generation.stages import Stage
from app.settings.stages import StageLimits
from pipeline.contract import Course, StageInput
from tasks.stages.child_pool import Children
from tasks.stages.child_process import Outcome
from tests.integration.tasks.stages.children.outcomes import Run, no_call
from tests.stage_requests import request_for

HERE = "tests.integration.tasks.handlers"
STAGE = Stage.STRUCTURE_ANALYSIS


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
