"""Fills a database as years of use do: courses, finished generations, waiting jobs."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from app.generation.progress.steps import ADMITTED_MESSAGE, ADMITTED_STEP, STEPS
from app.generation.queue import STAGE_TASKS, STAGES_QUEUE
from app.generation.stages import Stage
from bench.environment.statements import SQL
from bench.load.ready_courses import FILES, TITLE

Connection = psycopg.Connection[Any]

#: The course whose progress all others get.
MODEL = UUID(int=0)


class Crowd:
    """Fills the migrated database of this URL. Courses are numbered from 1; `md5(number)` is a course's id."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    def add_started(self, count: int) -> None:
        """Adds courses whose first step is completed and whose others are pending."""
        self._fill(lambda conn: self._add_courses(conn, count, "initializing", [ADMITTED_STEP]))

    def add_finished(self, count: int, queued: int) -> None:
        """Adds courses with one completed generation each; the first `queued` of them wait with a second one."""

        def add(conn: Connection) -> None:
            self._add_courses(conn, count, "completed", [ADMITTED_STEP, *(step.id for step in STEPS.values())])
            conn.execute(SQL["add_finished"], {"count": count})
            job = {"queue": STAGES_QUEUE, "task": STAGE_TASKS[Stage.DOCUMENT_PROCESSING]}
            conn.execute(SQL["add_queued"], {"count": queued, **job})

        self._fill(add)

    def _fill(self, add: Callable[[Connection], None]) -> None:
        with psycopg.connect(self._url) as conn:
            add(conn)
        with psycopg.connect(self._url, autocommit=True) as conn:
            conn.execute("vacuum (analyze)")
            conn.execute("checkpoint")

    def _add_courses(self, conn: Connection, count: int, status: str, steps: Sequence[int]) -> None:
        model = {"id": MODEL, "slug": str(MODEL), "title": TITLE, "progress": Jsonb({"files": FILES})}
        conn.execute(SQL["add_model"], model)
        for step in steps:
            conn.execute(SQL["complete_step"], {"course": MODEL, "step": step, "message": ADMITTED_MESSAGE})
        progress = conn.execute(SQL["remove_model"], [MODEL]).fetchone()
        assert progress is not None
        course = {"title": TITLE, "progress": Jsonb(progress[0]), "status": status}
        conn.execute(SQL["add_courses"], {"count": count, **course})
