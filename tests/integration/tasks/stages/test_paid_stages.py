"""Stages that cost money: what is finished is paid for once, whatever happens, and no more is spent than may be."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.generation.stages import Stage
from app.settings import Settings
from app.settings.stages import Budget
from tasks.worker_app import WorkerApp
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import MakeWorker, StartGeneration, status_of, work, work_until_final
from tests.integration.tasks.processes import wait_until
from tests.integration.tasks.running import Connection, claim, outcomes, run
from tests.unit.examples.bad_provider import providing, status, stream, whole

PAID = "tests.integration.tasks.paid_handlers.drafts"
KEY = "sk-0123456789abcdef"

MakePaidWorker = Callable[..., WorkerApp]


@pytest.fixture
def make_paid_worker(make_worker: MakeWorker, monkeypatch: pytest.MonkeyPatch) -> MakePaidWorker:
    """Makes a worker whose lessons are paid for, three of them."""
    monkeypatch.setenv("PROVIDER_KEY", KEY)

    def make(**changes: Any) -> WorkerApp:
        handlers = {Stage.STRUCTURE_GENERATION: "outline", Stage.TEXT_GENERATION: PAID}
        variables = dict.fromkeys(Stage, ()) | {Stage.TEXT_GENERATION: ("PROVIDER_KEY",)}
        return make_worker(handlers, handler_variables=variables, **changes)

    return make


def paid(files_root: Path) -> list[tuple[int, str]]:
    """The lessons that were paid for, with their keys, in order."""
    lines = (files_root / "paid").read_text().splitlines()
    return [(int(number), key) for number, key in map(str.split, lines)]


@pytest.mark.parametrize(("trouble", "outcome"), [("fails", "failed"), ("dies", "died"), ("busy0.5", "paused")])
def test_a_stage_that_starts_again_pays_for_the_unit_in_hand_and_no_other(
    make_paid_worker: MakePaidWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    files_root: Path,
    trouble: str,
    outcome: str,
) -> None:
    (files_root / "trouble").write_text(trouble)
    generation_id = start_generation(make_course())
    work_until_final(make_paid_worker(), conn, generation_id)
    assert status_of(conn, generation_id) == "completed"
    assert outcomes(conn, "TEXT_GENERATION") == [outcome, "completed"]
    bought = paid(files_root)
    assert [number for number, _ in bought] == [1, 2, 2, 3]
    assert len(set(bought)) == 3  # the key of the second try is that of the first
    assert [row["body"] for row in rows(conn, "select body from coursegen.drafts order by lesson_number")] == [
        "Текст 1",
        "Текст 2",
        "Текст 3",
    ]
    spent = {"calls": 4, "tokens": 300, "money": 1.5}
    assert rows(conn, "select calls, tokens, money::float from coursegen.spending") == [spent]
    units = rows(
        conn, "select unit, handler, version, model, calls, tokens, money::float from coursegen.units order by unit"
    )
    made_by = {"handler": PAID, "version": "v1", "model": "m-1", "calls": 1, "tokens": 100, "money": 0.5}
    assert units == [{"unit": str(number), **made_by} for number in (1, 2, 3)]
    # What the handler logged is kept with its start; its key stands nowhere.
    query = "select error, lines from coursegen.attempts join coursegen.attempt_logs on attempt_id = id order by id"
    [first, _] = rows(conn, query)
    assert first["lines"].count('"lesson_paid"') == 2
    if trouble == "fails":
        assert first["error"] == "ValueError: 401 for [PROVIDER_KEY]"


def test_a_new_generation_of_the_course_goes_on_from_what_a_stopped_one_finished(
    make_paid_worker: MakePaidWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    files_root: Path,
) -> None:
    (files_root / "trouble").write_text("refuses")
    course = make_course()
    app = make_paid_worker()
    stopped = start_generation(course)
    work(app)
    assert status_of(conn, stopped) == "failed"
    other = start_generation(make_course())
    work(make_paid_worker())
    again = start_generation(course)
    work(make_paid_worker())
    assert (status_of(conn, other), status_of(conn, again)) == ("completed", "completed")
    assert [number for number, _ in paid(files_root)] == [1, 2, 1, 2, 3, 2, 3]  # another course pays for itself
    query = "select unit from coursegen.units where course_id = %s and generation_id = %s"
    assert rows(conn, query, course.id, stopped) == [{"unit": "1"}]


def test_a_run_that_was_taken_over_saves_nothing(
    make_paid_worker: MakePaidWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    files_root: Path,
) -> None:
    (files_root / "trouble").write_text("waits")
    generation_id = start_generation(make_course())
    app = make_paid_worker()
    for _ in range(2):  # the stages before
        run(app, claim(conn, generation_id))
    stale = threading.Thread(target=run, args=(app, claim(conn, generation_id)))
    stale.start()
    wait_until(lambda: not (files_root / "trouble").exists())
    conn.execute("select coursegen.requeue_stage(%s)", [generation_id])
    (files_root / "go").touch()
    stale.join(20)
    assert outcomes(conn, "TEXT_GENERATION") == ["superseded"]
    assert [row["unit"] for row in rows(conn, "select unit from coursegen.units")] == ["1"]
    work(app)
    assert status_of(conn, generation_id) == "completed"
    assert [number for number, _ in paid(files_root)] == [1, 2, 2, 3]


@pytest.mark.parametrize(
    ("budget", "spent"),
    [
        (Budget(calls=2), "вызовов 2 из 2"),
        (Budget(calls=100, tokens=150), "вызовов 2 из 100, токенов 200 из 150"),
        (Budget(money=1), "денег 1 из 1"),
    ],
)
def test_a_generation_that_has_spent_its_budget_stops_and_says_so(
    make_paid_worker: MakePaidWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    budget: Budget,
    spent: str,
) -> None:
    generation_id = start_generation(make_course())
    work(make_paid_worker(budget=budget))
    [generation] = rows(
        conn, "select status::text, error_message from coursegen.generations where id = %s", generation_id
    )
    message = f"Бюджет генерации исчерпан: {spent}. Готовое сохранено: новая генерация продолжит с него."
    assert generation == {"status": "failed", "error_message": message}
    assert outcomes(conn, "TEXT_GENERATION") == ["failed"]
    assert [row["unit"] for row in rows(conn, "select unit from coursegen.units order by unit")] == ["1", "2"]


def test_the_page_sees_how_far_the_unit_in_hand_is(
    make_paid_worker: MakePaidWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    files_root: Path,
) -> None:
    (files_root / "trouble").write_text("waits")
    generation_id = start_generation(make_course())
    app = make_paid_worker()
    for _ in range(2):
        run(app, claim(conn, generation_id))
    running = threading.Thread(target=run, args=(app, claim(conn, generation_id)))
    running.start()

    def shown() -> dict[str, Any]:
        [row] = rows(conn, "select generation_progress as progress from courses")
        return dict(row["progress"])

    try:
        wait_until(lambda: "из 3" in shown()["message"])
        assert shown()["message"].endswith("50 %")
        assert shown()["lessons_total"] == 3
    finally:
        (files_root / "go").touch()
        running.join(20)
    assert "%" not in shown()["message"]


def test_of_one_unit_the_three_results_used_last_are_kept(
    conn: Connection, start_generation: StartGeneration, make_course: MakeCourse
) -> None:
    generation_id = start_generation(make_course())
    save = """
        select outcome from coursegen.save_unit_v1(
            %s, %s, 'STRUCTURE_ANALYSIS', '1', %s, '"x"', 'handler', 'v1', null, 1, 1, 1
        )
    """
    for number in range(5):
        assert rows(conn, save, generation_id, 1, bytes([number])) == [{"outcome": "saved"}]
    assert rows(conn, save, generation_id, 2, b"stale") == [{"outcome": "superseded"}]
    kept = rows(conn, "select hash from coursegen.units order by used_at")
    assert [bytes(row["hash"]) for row in kept] == [b"\2", b"\3", b"\4"]


@pytest.mark.parametrize("kind", ["save", "forgive"])
def test_a_question_that_no_handler_asks_fails_the_start(
    make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection, kind: str
) -> None:
    generation_id = start_generation(make_course(course_description=kind))
    handler = "tests.integration.tasks.paid_handlers.asks_what_nobody_answers"
    run(make_worker({Stage.STRUCTURE_ANALYSIS: handler}), claim(conn, generation_id))
    [attempt] = rows(conn, "select outcome::text, error from coursegen.attempts")
    assert attempt["outcome"] == "failed"
    assert attempt["error"].startswith("ValueError: The handler's process asked {'ask': '" + kind)
    assert rows(conn, "select 1 from coursegen.units") == []


def test_a_stage_has_starts_and_backoff_of_its_own(
    make_paid_worker: MakePaidWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    settings: Settings,
    files_root: Path,
) -> None:
    (files_root / "trouble").write_text("fails")
    rules = {**settings.stage_rules, Stage.TEXT_GENERATION: {"starts": 2, "backoff_s": 1000.0}}
    generation_id = start_generation(make_course())
    work(make_paid_worker(stage_rules=rules))
    [job] = rows(
        conn,
        "select scheduled_at - now() as wait from procrastinate_jobs where status = 'todo' and queue_name = 'stages'",
    )
    assert 900 < job["wait"].total_seconds() <= 1000
    conn.execute("update procrastinate_jobs set scheduled_at = null where status = 'todo' and queue_name = 'stages'")
    (files_root / "trouble").write_text("dies")
    work(make_paid_worker(stage_rules=rules))
    assert outcomes(conn, "TEXT_GENERATION") == ["failed", "died"]
    assert status_of(conn, generation_id) == "failed"


def test_the_plug_in_of_the_examples_writes_a_course_and_its_key_stands_nowhere(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    behaviours = [stream(*whole()), status(429, {"error": {"message": f"slow down, {KEY}"}}, Retry_After="1")]
    with providing(*behaviours, stream(*whole())) as provider:
        variables = {"OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": KEY, "LESSONS_MODEL": "m-1"}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        names = dict.fromkeys(Stage, ()) | {Stage.TEXT_GENERATION: tuple(variables)}
        handlers = {Stage.STRUCTURE_GENERATION: "outline", Stage.TEXT_GENERATION: "lessons_plugin.drafting.handle"}
        generation_id = start_generation(make_course())
        work_until_final(make_worker(handlers, handler_variables=names), conn, generation_id)
    assert status_of(conn, generation_id) == "completed"
    assert outcomes(conn, "TEXT_GENERATION") == ["paused", "completed"]
    assert len(provider.requests) == 4  # three lessons, the second asked for twice
    drafts = rows(conn, "select body from coursegen.drafts order by lesson_number")
    assert [row["body"] for row in drafts] == [f"# Урок {number}\n\nТекст\n" for number in (1, 2, 3)]
    assert rows(conn, "select distinct model, calls, tokens from coursegen.units") == [
        {"model": "m-2", "calls": 1, "tokens": 120}
    ]
    tables = rows(conn, "select oid::regclass::text as name from pg_class where relkind = 'r' and oid > 16384")
    stored = "".join(str(conn.execute(f"select t::text from {row['name']} t".encode()).fetchall()) for row in tables)
    assert "slow down, [OPENAI_API_KEY]" in stored
    assert KEY not in stored
    assert KEY not in capfd.readouterr().out
