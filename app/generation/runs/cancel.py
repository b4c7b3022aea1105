"""Cancelling: an active generation is final at once, queued or running."""

from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import DictRow

from app.database.pool import Database, only_row
from app.database.queries import QUERIES
from app.generation.audit import Actor, record_audit
from app.generation.callers import PER_MINUTE, Caller
from app.generation.errors import CourseNotFound, NothingActive, RateLimited
from app.generation.progress.status import find_course
from app.generation.runs.verbs import warn_of_refused_course
from app.generation.slots.keeper import SlotKeeper
from app.generation.transaction_retries import RETRYING

MESSAGE = "Генерация отменена"


def cancel_course(
    db: Database, keeper: SlotKeeper, caller: Caller, key: str | UUID, per_minute: int = PER_MINUTE
) -> UUID:
    """Cancels the active generation of the course of that slug or id and releases its slots; returns its id.

    For the course's owner or an admin of it, who is audited. Raises `CourseNotFound`, `Forbidden`,
    `NothingActive`, and `RateLimited` beyond `per_minute` starts and cancels of the caller.
    """
    course = find_course(db, caller, key)
    _check_cancel(db, caller, course.course_id, per_minute)
    is_owner = course.user_id == caller.user_id
    actor = Actor(f"{'owner' if is_owner else 'admin'}:{caller.user_id}")
    return cancel_generation(db, keeper, course.course_id, actor, audited=not is_owner)


def _check_cancel(db: Database, caller: Caller, course_id: UUID, per_minute: int) -> None:
    """Refuses with one read and no lock, so that refused requests cost little."""
    values = {"course_id": course_id, "user_id": caller.user_id, "per_minute": per_minute}
    with db.connection() as conn:
        row = only_row(conn.execute(QUERIES["check_cancel"], values))
    if not row["is_active"]:
        raise NothingActive
    if row["wait_s"] is not None:
        raise RateLimited(per_minute, row["wait_s"])


def cancel_generation(
    db: Database,
    keeper: SlotKeeper,
    course_id: UUID,
    actor: Actor,
    *,
    audited: bool = False,
    only: UUID | None = None,
    message: str = MESSAGE,
) -> UUID:
    """Cancels the course's active generation without a check of rights, if it is `only`; returns its id.

    The course shows the message. Of two calls at once one raises `NothingActive`. A running handler is stopped within
    seconds and writes nothing: its generation is final, so the fence refuses it.
    """
    values = {"course_id": course_id, "message": message, "ended_by": str(actor)}
    cancelled: DictRow = {}  # also by an earlier attempt, which may have committed
    for attempt in RETRYING:
        with attempt, db.transaction() as conn:
            # A trigger of the platform that hangs is given up in time for the commit.
            conn.execute("set local statement_timeout = '2500ms'")
            row = only_row(conn.execute(QUERIES["cancel_generation"], values))
            if row["outcome"] == "cancelled":
                if only is not None and row["generation_id"] != only:
                    raise NothingActive  # that one has ended since; this rolls back
                cancelled = row
                if audited:
                    record_audit(conn, actor, "cancel", generation_id=row["generation_id"], course_id=course_id)
            elif not _has_ended(conn, cancelled.get("generation_id"), actor):
                raise CourseNotFound if row["outcome"] == "not_found" else NothingActive
    warn_of_refused_course(cancelled)
    generation_id: UUID = cancelled["generation_id"]
    keeper.release(generation_id, cancelled["user_id"])
    return generation_id


def _has_ended(conn: Connection[Any], generation_id: UUID | None, actor: Actor) -> bool:
    query = "select from coursegen.generations where id = %s and ended_by = %s"
    return generation_id is not None and conn.execute(query, [generation_id, str(actor)]).rowcount == 1


def settle(db: Database, keeper: SlotKeeper, generation_id: UUID, user_id: UUID) -> None:
    """Releases the slots of a generation that a run had to leave, unless a later run has it.

    If its course has another owner since, or the platform set it to cancelled, the generation is cancelled.
    """
    with db.statement() as conn:
        values = {"generation_id": generation_id, "message": MESSAGE}
        row = only_row(conn.execute(QUERIES["settle_generation"], values))
    if row["outcome"] == "final":
        keeper.release(generation_id, user_id)
