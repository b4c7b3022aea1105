"""One generation in full, as operators read it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from app.database.pool import Database
from app.database.queries import QUERIES
from app.generation.progress.steps import STEPS
from app.generation.stages import Stage
from app.operations.listings import EVERY_CHANGE, NotFound

#: Characters of an attempt's log that are shown, from its end.
LOG_SHOWN = 4000
#: What the steps are called here.
STEP_NAMES = ("Admission", "Documents and analysis", "Structure", "Lessons", "Finish")


def show(db: Database, generation_id: UUID) -> dict[str, Any]:
    """All that is kept of one generation but its texts. Raises `NotFound`.

    `progress` is its course's, empty if that is a later generation's or not an object. `in_hand` is the attempt that a
    worker has now, or None.
    """
    values = {"generation_id": generation_id, "limit": 200, "characters": LOG_SHOWN}
    with db.connection() as conn:
        generation = conn.execute(QUERIES["show_generation"], values).fetchone()
        if generation is None:
            raise NotFound(f"There is no generation {generation_id}")
        values["course_id"] = generation["course_id"]
        found, is_later = generation.pop("progress"), bool(generation["later"])
        progress = found if isinstance(found, dict) and not is_later else {}
        attempts = conn.execute(QUERIES["list_generation_attempts"], values).fetchall()
        return {
            "generation": generation,
            "progress": progress,
            "steps": _read_steps(progress, attempts, generation),
            "attempts": attempts,
            "in_hand": next((row for row in reversed(attempts) if row["outcome"] is None), None),
            "events": conn.execute(QUERIES["list_generation_events"], values).fetchall(),
            "audit": conn.execute(QUERIES["list_audit"], {**EVERY_CHANGE, **values}).fetchall(),
            "logs": {row["attempt_id"]: row["lines"] for row in conn.execute(QUERIES["list_log_ends"], values)},
            "units": conn.execute(QUERIES["count_generation_units"], values).fetchall(),
            "spending": conn.execute(QUERIES["find_spending"], values).fetchone(),
        }


def read_outline(db: Database, generation_id: UUID, number: int, lessons: int, characters: int) -> list[DictRow]:
    """So many lessons of the generation from that number on, with the beginning of what is written of each."""
    values = {"generation_id": generation_id, "number": number, "limit": lessons, "characters": characters}
    with db.connection() as conn:
        return conn.execute(QUERIES["list_outline"], values).fetchall()


def _read_steps(progress: Mapping[str, Any], attempts: list[Any], generation: Any) -> list[dict[str, Any]]:
    """The five steps with the attempts of their stages. The progress is used as far as it is well formed.

    Where it lacks a step, the attempts say what happened.
    """
    raw = progress.get("steps")
    whole = [step for step in raw if isinstance(step, dict)] if isinstance(raw, list) else []
    found = {number: step for step in whole if isinstance(number := step.get("id"), int)}
    steps = []
    for number, name in enumerate(STEP_NAMES, 1):
        step, own = found.get(number, {}), [row for row in attempts if STEPS[Stage(row["stage"])].id == number]
        status = step.get("status") or (
            "completed"
            if number == 1 or any(row["outcome"] == "completed" for row in own)
            else own[-1]["outcome"] or "in_progress"
            if own
            else "pending"
        )
        started = step.get("started_at") or (own[0]["started_at"] if own else None)
        ended = step.get("completed_at") or (own[-1]["finished_at"] if own else None)
        if number == 1:
            started = ended = generation["created_at"]
        steps.append(
            {"name": name, "shown_as": step.get("name"), "status": status, "started": started, "ended": ended}
            | {"error": step.get("error"), "attempts": own}
        )
    return steps
