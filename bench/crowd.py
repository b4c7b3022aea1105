"""A database as years of use leave it: courses, finished generations, waiting jobs, by the million."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from app.database.queries import load_queries
from app.generation.progress.steps import ADMITTED_MESSAGE, ADMITTED_STEP, STEPS
from app.generation.queue import STAGES_QUEUE, TASKS
from app.generation.stages import Stage
from bench.courses import FILES, TITLE

SQL = load_queries(Path(__file__).with_name("sql"))

Connection = psycopg.Connection[Any]

#: Of the course whose progress all others have.
MODEL = UUID(int=0)


class Crowd:
    """Fills the migrated database of this URL; the courses are numbered from 1, and `md5(number)` is a course's id."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    def add_started(self, count: int) -> None:
        """So many courses whose first step is completed and whose others are pending."""
        self._fill(lambda conn: self._add_courses(conn, count, "initializing", [ADMITTED_STEP]))

    def add_finished(self, count: int, queued: int) -> None:
        """So many courses with a completed generation each; the first `queued` of them wait with another one."""

        def add(conn: Connection) -> None:
            self._add_courses(conn, count, "completed", [ADMITTED_STEP, *(step.id for step in STEPS.values())])
            conn.execute(SQL["add_finished"], {"count": count})
            job = {"queue": STAGES_QUEUE, "task": TASKS[Stage.DOCUMENT_PROCESSING]}
            conn.execute(SQL["add_queued"], {"count": queued, **job})

        self._fill(add)

    def _fill(self, add: Callable[[Connection], None]) -> None:
        with psycopg.connect(self._url) as conn:
            add(conn)
        with psycopg.connect(self._url, autocommit=True) as conn:
            conn.execute("vacuum (analyze)")
            conn.execute("checkpoint")

    def _add_courses(self, conn: Connection, count: int, status: str, steps: Sequence[int]) -> None:
        values = [MODEL, MODEL, str(MODEL), TITLE, Jsonb({"files": FILES})]
        conn.execute(
            "insert into courses (id, user_id, slug, title, generation_progress) values (%s, %s, %s, %s, %s)", values
        )
        conn.execute("select coursegen.reset_course_progress(%s)", [MODEL])
        for step in steps:
            conn.execute("select update_course_progress(%s, %s, 'completed', %s)", [MODEL, step, ADMITTED_MESSAGE])
        model = conn.execute("delete from courses where id = %s returning generation_progress", [MODEL]).fetchone()
        assert model is not None
        course = {"title": TITLE, "progress": Jsonb(model[0]), "status": status}
        conn.execute(SQL["add_courses"], {"count": count, **course})
