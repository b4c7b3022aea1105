"""Cancelling: an active generation is final at once, queued or running."""

from typing import Any
from uuid import UUID

from psycopg import Connection

from app.database.pool import Database
from app.database.queries import QUERIES
from app.generation.admission.commits import retrying
from app.generation.callers import Caller
from app.generation.errors import CourseNotFound, NothingActive
from app.generation.progress.status import find_course
from app.generation.progress.steps import STEPS, StepStatus, change_step
from app.generation.queue import abort_jobs
from app.generation.slots.keeper import SlotKeeper
from app.generation.stages import Stage
from app.generation.webhooks.outbox import announce

MESSAGE = "Генерация отменена"


def cancel_course(db: Database, keeper: SlotKeeper, caller: Caller, key: str | UUID) -> UUID:
    """The active generation of the course of that slug or id is cancelled and its slot free; returns its id.

    For the course's owner or an admin. Raises `CourseNotFound`, `Forbidden`, `NothingActive`.
    """
    return cancel(db, keeper, find_course(db, caller, key)["id"])


def cancel(db: Database, keeper: SlotKeeper, course_id: UUID) -> UUID:
    """As `cancel_course`, of the course of that id and whoever asks. Of two at once one raises `NothingActive`.

    A running handler is stopped within seconds and writes nothing: its generation is final, so the fence refuses it.
    """
    for attempt in retrying():
        with attempt, db.transaction() as conn:
            generation_id, user_id = _cancel(conn, course_id)
    keeper.release(generation_id, user_id)
    return generation_id


def settle(db: Database, keeper: SlotKeeper, generation_id: UUID, user_id: UUID) -> None:
    """A generation that a run had to leave holds no slot unless it is active, under a later run.

    One whose course has another owner since is cancelled: nobody who may see the course asked for it.
    """
    with db.transaction() as conn:
        disowned = conn.execute(QUERIES["find_disowned"], {"generation_id": generation_id}).fetchone()
        if disowned is not None:
            _cancel(conn, disowned["id"])
    with db.connection() as conn:
        active = conn.execute(QUERIES["find_if_active"], {"generation_id": generation_id}).fetchone()
    if active is None:
        keeper.release(generation_id, user_id)


def _cancel(conn: Connection[Any], course_id: UUID) -> tuple[UUID, UUID]:
    if conn.execute(QUERIES["lock_course"], {"course_id": course_id}).fetchone() is None:
        raise CourseNotFound
    generation = conn.execute(QUERIES["cancel_generation"], {"course_id": course_id}).fetchone()
    if generation is None:
        raise NothingActive
    step = STEPS[Stage(generation["stage"])].id
    change_step(conn, course_id, step, StepStatus.PENDING, MESSAGE, "cancelled")
    if generation["has_webhook"]:
        announce(conn, generation["id"], "cancelled")
    abort_jobs(conn, generation["id"])
    return generation["id"], generation["user_id"]
