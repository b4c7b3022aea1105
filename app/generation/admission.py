"""Admission: the decision and the transaction that turn a request into a generation."""

from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from app.db import Database
from app.generation.callers import Caller
from app.generation.commits import commit_once, retrying
from app.generation.errors import CourseNotFound, Forbidden, GenerationActive, OutcomeUnknown, SlotClash
from app.generation.events import EventBuffer
from app.generation.idempotency import claim_key, keep_key
from app.generation.progress import ADMITTED_MESSAGE, ADMITTED_STATUS, ADMITTED_STEP
from app.generation.queue import first_job
from app.generation.refusals import full_after_clashes, report_refusal, warn_of_malformed_files
from app.generation.retries import carry_over, failed_stage
from app.generation.slots import SlotKeeper, Slots, SlotUse, list_holders, pick_slots
from app.generation.stages import first_stage
from app.generation.tiers import RIGHTS
from app.generation.webhooks import announce
from app.queries import QUERIES

#: How often two numbers may clash with those of others before the request is refused.
CLASH_TRIES = 3


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for. `source` names the way it came in (http, trpc, cli)."""

    course_id: UUID
    webhook_url: str | None = None
    request_id: str | None = None
    source: str = "http"
    retry_of: UUID | None = None
    """A failed generation to go on from: its results are carried over, and its stage comes first."""
    idempotency_key: str | None = None
    """The user's name for this order: a second one of that name starts nothing, and has the first one's answer."""

    @property
    def is_plain(self) -> bool:
        """Whether nothing more is to be written than every order writes."""
        return self.webhook_url is None and self.retry_of is None and self.idempotency_key is None


@dataclass(frozen=True, slots=True)
class Admission:
    """What became of an order. `use`: of the slots just then, where it was counted.

    `replayed`: the generation was started before, by an order of the same idempotency key.
    """

    generation_id: UUID
    use: SlotUse | None = None
    replayed: bool = False


def admit(db: Database, keeper: SlotKeeper, events: EventBuffer, caller: Caller, order: Order) -> Admission:
    """The course is started and its generation queued, both or neither.

    Raises `CourseNotFound`, `Forbidden`, `GenerationActive`, `UserFull`, `SystemFull`, `KeyInFlight`, `KeyReused`;
    `AdmissionFailed` when all was rolled back; `OutcomeUnknown` when that can't be told. Nothing that can fail runs
    after the commit.
    """
    generation_id = uuid7()
    with report_refusal(events, caller, order, generation_id):
        if order.idempotency_key is None:
            look_at_course(db, caller, order.course_id)
        for _ in range(CLASH_TRIES):
            if order.idempotency_key is None:
                slots = keeper.take(generation_id, caller.user_id, caller.tier)
                write = partial(start, generation_id, caller, order, slots, keeper.system_limit)
                scope = db.statement if slots is not None and order.is_plain else db.transaction
            else:  # both, too, wait for the claim of the key
                write, scope = partial(start_once, generation_id, caller, order, keeper), db.transaction
            try:
                return commit_once(db, generation_id, write, scope) or Admission(generation_id)
            except SlotClash:
                keeper.put_right(generation_id, caller.user_id)
            except GenerationActive:
                keeper.release(generation_id, caller.user_id)
                look_at_course(db, caller, order.course_id)  # names the one that was faster
                raise
            except OutcomeUnknown:
                raise  # the slot is kept: the generation may exist, and upkeep will know
            except BaseException:
                keeper.release(generation_id, caller.user_id)
                raise
        raise full_after_clashes(db, keeper.system_limit, caller)


def look_at_course(db: Database, caller: Caller, course_id: UUID) -> None:
    """As `check_course`, on a connection of its own and tried again after transient errors."""
    for attempt in retrying():
        with attempt, db.connection() as conn:
            check_course(conn, caller, course_id)
            return


def check_course(conn: Connection[Any], caller: Caller, course_id: UUID) -> None:
    """The course exists, is the caller's and has no active generation: a cheap no before any slot is taken."""
    course = conn.execute(QUERIES["find_course"], {"course_id": course_id}).fetchone()
    if course is None:
        raise CourseNotFound
    if course["user_id"] != caller.user_id:
        raise Forbidden
    if course["active_generation"] is not None:
        raise GenerationActive(course["active_generation"])


def start_once(
    generation_id: UUID, caller: Caller, order: Order, keeper: SlotKeeper, conn: Connection[Any]
) -> Admission:
    """The transaction of an order with an idempotency key, which is claimed before all else.

    What goes before the transaction otherwise, the look at the course and the taking of slots, is done under the claim.
    Raises `KeyInFlight`, `KeyReused` and what these and `start` raise.
    """
    earlier = claim_key(conn, caller.user_id, order)
    if earlier is not None:
        return Admission(earlier, replayed=earlier != generation_id)
    check_course(conn, caller, order.course_id)
    slots = keeper.take(generation_id, caller.user_id, caller.tier, partial(list_holders, conn))
    return start(generation_id, caller, order, slots, keeper.system_limit, conn)


def start(
    generation_id: UUID, caller: Caller, order: Order, slots: Slots | None, system_limit: int, conn: Connection[Any]
) -> Admission:
    """The course is locked, looked at again and started, the generation inserted and its first job deferred.

    One statement, and so a transaction of its own where `conn` is in none, unless the order asks for more (`is_plain`)
    or there are no `slots`, whose numbers are then picked here. Raises `CourseNotFound` or `Forbidden` where the course
    changed since; psycopg's UniqueViolation where another generation holds the course or a slot.
    """
    if slots is None:
        # First, or whoever waits for this course would have all others wait that pick slots.
        conn.execute(QUERIES["lock_course"], {"course_id": order.course_id})
        slots = pick_slots(conn, caller.user_id, caller.tier, system_limit)
    stages = [failed_stage(conn, order.retry_of)] * 2 if order.retry_of else [first_stage(True), first_stage(False)]
    course = conn.execute(
        QUERIES["start_generation"],
        {
            "id": generation_id,
            "course_id": order.course_id,
            "user_id": caller.user_id,
            "tier": caller.tier.value,
            "priority": RIGHTS[caller.tier].priority,
            "user_slot": slots.user_slot,
            "system_slot": slots.system_slot,
            "source": order.source,
            "webhook_url": order.webhook_url,
            "request_id": order.request_id,
            "idempotency_key": order.idempotency_key,
            "retry_of": order.retry_of,
            "step": ADMITTED_STEP,
            "message": ADMITTED_MESSAGE,
            "metadata": Jsonb(
                {"job_id": str(generation_id), "tier": caller.tier.value, "request_id": order.request_id}
            ),
            "status": ADMITTED_STATUS,
            **first_job(*stages, generation_id=generation_id, user_id=caller.user_id, request_id=order.request_id),
        },
    ).fetchone()
    if course is None:
        raise CourseNotFound
    if course["user_id"] != caller.user_id:
        raise Forbidden
    if course["files_malformed"]:
        warn_of_malformed_files(order)
    if order.idempotency_key is not None:
        keep_key(conn, caller.user_id, order, generation_id)
    if order.retry_of is not None:
        carry_over(conn, order.course_id, order.retry_of, generation_id)
    if order.webhook_url is not None:
        announce(conn, generation_id, ADMITTED_STATUS)
    return Admission(generation_id, slots.use)
