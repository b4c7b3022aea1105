"""The plug-in of `docs/plug-ins.md`, run by a real worker as a user would have it run."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from unittest import mock

import psycopg
import pytest
from psycopg.rows import DictRow, dict_row

from app.generation.admission.requests import Order
from app.generation.callers import Caller
from app.generation.tiers import Tier
from app.services import make_services
from app.settings import read_settings
from tests.conftest import WaitUntil
from tests.integration.factories import insert_course
from tests.integration.tasks.processes import WorkerProcess
from tests.tokens import SECRET

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = Path("examples", "plugin")
HANDLER = "outcomes_plugin.analysis.handle"

Conn = psycopg.Connection[DictRow]
Generate = Callable[..., DictRow]


@pytest.fixture
def conn(clean: None, database_url: str) -> Iterator[Conn]:
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as conn:
        yield conn


@pytest.fixture
def generate(
    conn: Conn, database_url: str, redis_url: str, tmp_path: Path, wait_until: WaitUntil
) -> Iterator[Generate]:
    """A function that has a worker with the plug-in generate a course of these fields; returns its row at the end."""
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "JWT_SECRET": SECRET,
        "FILES_ROOT": str(tmp_path),
        "HANDLER_STRUCTURE_ANALYSIS": HANDLER,
        "PYTHONPATH": str(ROOT / PLUGIN),
    }
    with mock.patch.dict(os.environ, environment, clear=True):
        services = make_services(read_settings())

    def generate(**fields: object) -> DictRow:
        course = insert_course(conn, **fields)  # type: ignore[arg-type]
        services.admissions.admit(Caller(course.user_id, Tier.FREE), Order(course.id))

        def row() -> DictRow:
            [found] = conn.execute("select * from courses where id = %s", [course.id]).fetchall()
            return found

        wait_until(lambda: row()["status"] in ("completed", "failed"), 30)
        return row()

    with closing(services):
        worker = WorkerProcess(environment, tmp_path / "worker.log")
        try:
            yield generate
        finally:
            worker.stop()


def test_a_worker_runs_the_plug_in_by_its_dotted_path(generate: Generate, conn: Conn) -> None:
    outcomes = ["Читать карты", "Определять минералы"]
    course = generate(learning_outcomes=outcomes, course_description="О камнях.")
    assert course["status"] == "completed"
    [row] = conn.execute("select brief from coursegen.briefs").fetchall()
    assert row["brief"]["goals"] == outcomes
    assert row["brief"]["key_points"] == ["Как проверить: Читать карты", "Как проверить: Определять минералы"]
    assert len(conn.execute("select 1 from coursegen.drafts").fetchall()) >= 2


def test_its_refusal_is_what_the_owner_of_the_course_reads(generate: Generate, conn: Conn) -> None:
    course = generate()
    assert (course["status"], course["error_message"]) == ("failed", "Добавьте в курс хотя бы один результат обучения")
    [attempts] = conn.execute("select count(*) as n from coursegen.attempts").fetchall()
    assert attempts["n"] == 1  # it is final: no second start


def test_the_document_shows_the_plug_in_as_it_is() -> None:
    page = (ROOT / "docs" / "plug-ins.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert shown == (ROOT / PLUGIN / "outcomes_plugin" / "analysis.py").read_text(encoding="utf-8")
    assert f"PYTHONPATH={PLUGIN} HANDLER_STRUCTURE_ANALYSIS={HANDLER}" in page
