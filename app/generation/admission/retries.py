"""An operator's retry: an admission that goes on where a failed generation stopped."""

from typing import Any
from uuid import UUID

from psycopg import Connection

from app.database.pool import Database
from app.database.queries import QUERIES
from app.generation.errors import NotFailed
from app.generation.progress.steps import STEPS, StepStatus, change_step
from app.generation.stages import Stage


def find_failed(db: Database, generation_id: UUID) -> dict[str, Any]:
    """The failed generation's course, user, tier, webhook. Raises `NotFailed`."""
    with db.connection() as conn:
        row = conn.execute(QUERIES["find_failed"], {"generation_id": generation_id}).fetchone()
    if row is None:
        raise NotFailed
    return row


def failed_stage(conn: Connection[Any], failed_id: UUID) -> Stage:
    """The stage at which the generation failed. Raises `NotFailed`."""
    row = conn.execute(QUERIES["find_failed"], {"generation_id": failed_id}).fetchone()
    if row is None:
        raise NotFailed
    return Stage(row["stage"])


def carry_over(conn: Connection[Any], course_id: UUID, failed_id: UUID, generation_id: UUID) -> None:
    """The new generation has the results of the stages the failed one completed, and their steps are completed."""
    ids = {"failed_id": failed_id, "generation_id": generation_id}
    done = conn.execute(QUERIES["carry_over_stage_results"], ids).fetchall()
    for name in CARRIED:
        conn.execute(QUERIES[f"carry_over_{name}"], ids)
    for stage in sorted((Stage(row["stage"]) for row in done), key=lambda stage: STEPS[stage].id):
        step = STEPS[stage]
        change_step(conn, course_id, step.id, StepStatus.COMPLETED, step.completed)


#: In the order of their foreign keys.
CARRIED = ("documents", "briefs", "sections", "lessons", "drafts")
