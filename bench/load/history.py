"""Fills a database as ninety days of a busy service do: generations of every end, their starts, events and webhooks."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from app.generation.progress.steps import STEPS
from app.generation.queue import STAGE_TASKS, STAGES_QUEUE
from app.generation.stages import Stage
from bench.environment.statements import SQL
from bench.load.ready_courses import FILES

ORDER = (
    "fill_courses",
    "fill_generations",
    "fill_attempts",
    "fill_events",
    "fill_own_events",
    "fill_deliveries",
    "fill_jobs",
)


@dataclass(frozen=True, slots=True)
class History:
    """How much of each there is. The newest `active` generations are not final."""

    generations: int

    @property
    def active(self) -> int:
        return min(100, self.generations // 10)

    @property
    def courses(self) -> int:
        return max(1, self.generations // 3)

    @property
    def events(self) -> int:
        return 5 * self.generations

    def fill(self, database_url: str) -> None:
        """The migrated database holds it, and its statistics are fresh."""
        steps = [{"id": step.id, "status": "completed", "message": step.completed} for step in STEPS.values()]
        values: dict[str, Any] = {
            **{"generations": self.generations, "active": self.active, "courses": self.courses, "events": self.events},
            **{"queue": STAGES_QUEUE, "task": STAGE_TASKS[Stage.DOCUMENT_PROCESSING]},
            "progress": Jsonb({"files": FILES, "steps": steps}),
        }
        with psycopg.connect(database_url, autocommit=True, cursor_factory=psycopg.ClientCursor) as conn:
            conn.execute(SQL["trust_rows"])
            for name in ORDER:
                conn.execute(SQL[name], values)
            conn.execute("vacuum (analyze)")
            conn.execute("checkpoint")
