"""A day of the example course: what the console's pictures show."""

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import psycopg

from tests.integration.factories import add_worker, insert_course
from tests.integration.operations.rows import Past, minutes, seconds
from tests.integration.serving import ROOT

#: By stage, about how many seconds it takes.
STAGES = {
    "DOCUMENT_PROCESSING": 20,
    "STRUCTURE_ANALYSIS": 9,
    "STRUCTURE_GENERATION": 40,
    "TEXT_GENERATION": 300,
    "FINALIZATION": 4,
}
ERRORS = ["TimeoutError: no answer within 60 s", "ValueError: the outline has no lessons", "RateLimited: 429"]
GENERATIONS = 150
LESSONS = {"lessons_completed": 7, "lessons_total": 18}


class Day:
    """Writes the last 24 hours, the same each time but for the moment."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self._conn, self._past, self._dice = conn, Past(conn), Random(5)
        self._example = json.loads((ROOT / "examples/course/course.json").read_text(encoding="utf-8"))

    def write(self, version: str) -> UUID:
        """Some failed, requests were refused, and one hangs, whose id is returned. The worker is of that version."""
        now = datetime.now(UTC)
        add_worker(self._conn, "stages", "upkeep", "webhooks")
        self._conn.execute("update coursegen.workers set version = %s", [version])
        with self._conn.pipeline():
            for number in range(GENERATIONS):
                self._write_ended(now - minutes(9 + 1600 * (number / GENERATIONS) ** 1.3))
            hanging = self._write("running", now - minutes(24), None, "TEXT_GENERATION", generation_progress=LESSONS)
            self._write_starts(hanging, now - minutes(24), [*STAGES][:3])
            self._past.attempt(hanging, "TEXT_GENERATION", now - minutes(22), None, None, worker="host:1")
            self._write("queued", now - minutes(2), None, "STRUCTURE_ANALYSIS")
        return hanging

    def _write_ended(self, at: datetime) -> None:
        error = self._dice.choice(ERRORS) if self._dice.random() < 0.08 else None
        stages = [*STAGES][:4] if error else [*STAGES]
        status, ended = ("failed", at + minutes(9)) if error else ("completed", at + minutes(7))
        generation_id = self._write(status, at, ended, stages[-1], error_message=error)
        self._write_starts(generation_id, at, stages, error)
        if self._dice.random() < 0.3:
            self._past.event("concurrency_limit_hit", at, count=self._dice.randint(1, 3))

    def _write_starts(self, generation_id: UUID, at: datetime, stages: list[str], error: str | None = None) -> None:
        for stage in stages:
            lasted: timedelta = seconds(STAGES[stage] * self._dice.lognormvariate(0, 0.35))
            outcome = "failed" if error and stage == stages[-1] else "completed"
            told = error if outcome == "failed" else None
            self._past.attempt(generation_id, stage, at, lasted, outcome, error=told, worker="host:1")
            at += lasted

    def _write(self, status: str, at: datetime, ended: datetime | None, stage: str, **more: Any) -> UUID:
        course = {name: more.pop(name) for name in ["generation_progress"] if name in more}
        slug = f"{self._example['slug']}-{self._dice.randbytes(3).hex()}"
        user_id = UUID(int=self._dice.getrandbits(128), version=4)
        made = insert_course(self._conn, user_id=user_id, title=self._example["title"], slug=slug, **course)
        tier = self._dice.choice(["FREE", "BASIC", "PREMIUM"])
        return self._past.generation(
            at, ended, status, course_id=made.id, user_id=user_id, tier=tier, stage=stage, **more
        )
