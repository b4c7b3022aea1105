"""A run of a stage, and the fence every write of its passes.

Every function takes the caller's transaction and never commits. The course is locked first, then the generation; a run
whose generation is final, gone or handed to a later run gets `Superseded` and has written nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import DictRow

from app.database.queries import QUERIES
from app.generation.errors import Superseded
from app.generation.stages import Stage


@dataclass(frozen=True, slots=True)
class Run:
    """A job's claim: this stage of this generation under this fence."""

    generation_id: UUID
    user_id: UUID
    stage: Stage
    fence: int
    job_id: int
    worker: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that holds its generation.

    `given` is what a stage is to know: the `course`, and what earlier ones stored, as `begin_stage` tells.
    """

    run: Run
    attempt_id: int
    course_id: UUID
    tier: str
    priority: int
    has_webhook: bool
    given: Mapping[str, Any]


def hold(conn: Connection[Any], begun: Begun) -> Mapping[str, Any]:
    """The fence is passed: course and generation are locked and this run may write; returns the generation.

    Raises `Superseded`.
    """
    run = begun.run
    conn.execute(QUERIES["lock_course_of_generation"], {"generation_id": run.generation_id})
    return guarded(conn, "pass_fence", run)


def lock(conn: Connection[Any], generation_id: UUID) -> DictRow | None:
    """The generation, locked, and its course before it; None where there is none."""
    key = {"generation_id": generation_id}
    conn.execute(QUERIES["lock_course_of_generation"], key)
    return conn.execute(QUERIES["lock_generation"], key).fetchone()


def claim(conn: Connection[Any], run: Run) -> Mapping[str, Any]:
    """The generation, locked, if it is active, still its user's, at the run's stage and fence.

    Raises `Superseded` where it is not.
    """
    generation = lock(conn, run.generation_id)
    if generation is None or generation["status"] not in ("queued", "running"):
        raise Superseded(run.generation_id)
    if not generation["owned"]:
        raise Superseded(run.generation_id)
    if (generation["stage"], generation["fence"]) != (run.stage.value, run.fence):
        raise Superseded(run.generation_id)
    return generation


def guarded(conn: Connection[Any], query: str, run: Run, **values: object) -> Mapping[str, Any]:
    """The row of a query that finds the generation only at this run's stage and fence. Raises `Superseded`."""
    guard = {"generation_id": run.generation_id, "stage": run.stage.value, "fence": run.fence}
    row: Mapping[str, Any] | None = conn.execute(QUERIES[query], {**guard, **values}).fetchone()
    if row is None:
        raise Superseded(run.generation_id)
    return row
