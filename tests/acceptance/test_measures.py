"""Every measure yields its figures, and other stacks that are missing are named."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from bench.environment.debian_tools import ToolMissing
from bench.environment.stand import Stand
from bench.load.python_generator import send_all
from bench.load.ready_courses import create_courses
from bench.measures import MEASURES
from bench.measures.workers import memory_use
from bench.peers.node_stack import find_node_stack, node_folder
from bench.peers.python_stacks import find_flask_stacks, find_taskiq_stack, python_of_the_stacks
from bench.peers.stack import Stack
from bench.reporting.figures import Size

TINY = Size(
    rounds=1,
    requests=200,
    calls=20,
    pickups=2,
    staged=2,
    killed=2,
    patience_s=0.5,
    crowd=200,
    queued=100,
    fetches=10,
    moves=5,
    sampled=50,
    remembered=(40, 2),
)

#: Figures of each measure, with or without other stacks.
FIGURES = {
    "admissions": {"admissions", "admissions, p95", "admissions, CPU of PostgreSQL", "admissions, WAL"},
    "stacks": {"admissions by this service", "empty stages of this service"},
    "refusals": {"refusals a second, to admissions", "refusals (429)"},
    "polls": {
        "unchanged polls a second, to a 401 of the route",
        "unchanged polls (304), PostgreSQL's time in statements",
        "unchanged polls (304), CPU of PostgreSQL",
    },
    "slots": {f"slot script, {holders} holders, mean" for holders in ("0", "1,000", "100,000")},
    "pickups": {"commit to stage start, p95"},
    "stages": {"empty stages", "empty stages, CPU of server", "empty stages, WAL"},
    "progress": {"`update_course_progress`, p95"},
    "growth": {"admissions a second, full database to empty", "the next job, long queue, p95"},
    "platform": {"admissions a second, a platform's table to ours"},
    "pooler": set(),
    "wire": {"an admission, PostgreSQL", "304 to a poll, Redis"},
    "sampling": {"all of it", "everything else"},
    "console": {
        "*Now*",
        "list, rare event",
        "search, error",
        "the largest page",
        "an open *Now*, of a core of PostgreSQL's",
    },
}


#: The stacks on Flask, by name.
FLASK = [
    pytest.param(lambda name=name: next(each for each in find_flask_stacks() if each.name == name), id=name)
    for name in ("Flask + Celery", "Flask + DBOS", "Flask + Procrastinate")
]

#: `tests/alone/test_memory.py` measures that.
MEMORY = "memory"
#: Measures that `make test` runs as well.
QUICK = ("slots", "polls", "wire")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in MEASURES if name != MEMORY],
)
def test_measure_yields_its_figures(name: str) -> None:
    sections = MEASURES[name](TINY, print)
    names = {figure.name for section in sections for figure in section.figures}
    assert FIGURES[name] <= names


def test_memory_yields_its_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_use, "measure_idle", lambda log: memory_use.Idle(api=1, worker=2, upkeep=3))
    growth = memory_use.Growth(api=(1, 5), worker=(2, 7), upkeep=(3, 9), requests=20, generations=10)
    monkeypatch.setattr(memory_use, "measure_growth", lambda requests, generations, log: growth)
    figures = [figure for section in MEASURES[MEMORY](TINY, print) for figure in section.figures]
    assert [figure.value for figure in figures] == [1, 2, 3, 4, 5, 6]
    assert figures[-2].name == "memory the stages' worker gains by 40 jobs"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("find", [find_node_stack, find_taskiq_stack, *FLASK])
def test_other_stacks_make_the_same_checks(find: Callable[[], Stack]) -> None:
    try:
        stack = find()
    except ToolMissing as error:
        pytest.skip(str(error))
    with Stand() as stand:
        port = stack.start_api(stand)
        [owned] = create_courses(stand.database_url, stand.secret, 1)
        [second] = create_courses(stand.database_url, stand.secret, 1, [owned])
        [foreign] = create_courses(stand.database_url, stand.secret, 1)
        refused = {
            401: replace(owned, token="a.b.c"),
            404: replace(owned, course_id=uuid4()),
            403: replace(owned, course_id=foreign.course_id),
        }
        for status, course in [*refused.items(), (200, owned), (409, owned), (429, second)]:
            assert send_all(port, [stack.request(course, None)], 1).statuses == {status: 1}


def test_missing_node_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="node and npm not found"):
        node_folder.__wrapped__()


def test_failed_installation_of_the_python_stacks_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ToolMissing, match="Python stacks can't be installed"):
        python_of_the_stacks.__wrapped__()
    assert list((tmp_path / "course-generation").iterdir()) == []
