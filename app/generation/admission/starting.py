"""What an admission reads of courses and writes to start them, in the caller's transaction."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from app.database.queries import QUERIES
from app.generation.admission.idempotency_keys import keep_key
from app.generation.admission.orders import Admission, Wish
from app.generation.admission.refusals import warn_of_malformed_files
from app.generation.admission.retries import carry_over, failed_stage
from app.generation.callers import Caller
from app.generation.errors import CourseNotFound, Forbidden, GenerationActive, GenerationError, SlotClash
from app.generation.progress.steps import ADMITTED_MESSAGE, ADMITTED_STATUS
from app.generation.queue import STAGES_QUEUE, first_job
from app.generation.slots.holders import Slots, pick_slots
from app.generation.stages import Stage, first_stage
from app.generation.tiers import RIGHTS
from app.generation.webhooks.outbox import announce

#: Of a course with documents, and of one without.
FIRST_STAGES = first_stage(True), first_stage(False)


def find_courses(conn: Connection[Any], course_ids: list[UUID]) -> list[DictRow | None]:
    """Each course's owner and active generation; None for one that does not exist."""
    values = {"course_ids": Jsonb(course_ids, orjson.dumps)}
    found = {row["id"]: row for row in conn.execute(QUERIES["find_courses"], values)}
    return [found.get(course_id) for course_id in course_ids]


def refusal(course: DictRow | None, caller: Caller) -> GenerationError | None:
    """Why the caller may not start the course, if so: a cheap no before any slot is taken."""
    if course is None:
        return CourseNotFound()
    if course["user_id"] != caller.user_id:
        return Forbidden()
    if course["active_generation"] is not None:
        return GenerationActive(course["active_generation"])
    return None


def check_course(conn: Connection[Any], caller: Caller, course_id: UUID) -> None:
    """Raises why the caller may not start the course, if so."""
    [course] = find_courses(conn, [course_id])
    if (error := refusal(course, caller)) is not None:
        raise error


def start(wish: Wish, slots: Slots | None, system_limit: int, conn: Connection[Any]) -> Admission:
    """The course is locked, looked at again and started, the generation inserted and its first job deferred.

    Without `slots` their numbers are picked here. Raises `CourseNotFound` or `Forbidden` where the course changed
    since, `GenerationActive` or `SlotClash` where another generation holds the course or a number.
    """
    order, caller = wish.order, wish.caller
    # First, or whoever waits for this course would have all others wait that pick slots.
    locked = conn.execute(QUERIES["lock_course"], {"course_id": order.course_id})
    if slots is None:
        slots = pick_slots(conn, caller.user_id, caller.tier, system_limit)
    stages = (failed_stage(conn, order.retry_of),) * 2 if order.retry_of else FIRST_STAGES
    started = _start(conn, [_described(wish, slots, *stages)])
    if wish.generation_id not in started:
        course = locked.fetchone()
        if course is not None:
            active = conn.execute(QUERIES["find_active_generation"], {"course_id": order.course_id}).fetchone()
            course["active_generation"] = active and active["id"]
        raise refusal(course, caller) or SlotClash()
    if order.idempotency_key is not None:
        keep_key(conn, caller.user_id, order, wish.generation_id)
    if order.retry_of is not None:
        carry_over(conn, order.course_id, order.retry_of, wish.generation_id)
    if order.webhook_url is not None:
        announce(conn, wish.generation_id, ADMITTED_STATUS)
    return _admitted(wish, slots, started)


def start_plain(conn: Connection[Any], slots: Mapping[Wish, Slots]) -> dict[Wish, Admission]:
    """As `start`, of several plain orders in one statement, which is a transaction where `conn` is in none.

    Nothing is waited for: left out, and not started, are those whose course is locked, gone, somebody else's or active,
    or whose numbers are taken.
    """
    started = _start(conn, [_described(wish, numbers, *FIRST_STAGES) for wish, numbers in slots.items()])
    return {wish: _admitted(wish, slots[wish], started) for wish in slots if wish.generation_id in started}


def _start(conn: Connection[Any], orders: list[dict[str, Any]]) -> dict[UUID, DictRow]:
    """What was started, by the generation's id."""
    values = {
        "orders": Jsonb(orders, orjson.dumps),
        "message": ADMITTED_MESSAGE,
        "queue": STAGES_QUEUE,
    }
    return {row["id"]: row for row in conn.execute(QUERIES["start_generations"], values)}


def _described(wish: Wish, slots: Slots, with_documents: Stage, without_documents: Stage) -> dict[str, Any]:
    """The order as the query `start_generations` takes it."""
    generation_id, order, caller = wish.generation_id, wish.order, wish.caller
    return {
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
        "metadata": {"job_id": generation_id, "tier": caller.tier.value, "request_id": order.request_id},
        **first_job(
            with_documents,
            without_documents,
            generation_id=generation_id,
            user_id=caller.user_id,
            request_id=order.request_id,
        ),
    }


def _admitted(wish: Wish, slots: Slots, started: Mapping[UUID, DictRow]) -> Admission:
    if started[wish.generation_id]["files_malformed"]:
        warn_of_malformed_files(wish.order)
    return Admission(wish.generation_id, slots.use)
