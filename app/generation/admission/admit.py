"""Admission: the decision and the transaction that turn a request into a generation."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection
from uuid_utils.compat import uuid7

from app.database.pool import Database
from app.generation.admission.batching import Batcher
from app.generation.admission.commits import commit_once, retrying
from app.generation.admission.idempotency_keys import claim_key
from app.generation.admission.orders import Admission, Order, Tried, Wish
from app.generation.admission.refusals import full_after_clashes, report_refusal
from app.generation.admission.starting import check_course, find_courses, refusal, start, start_plain
from app.generation.callers import Caller
from app.generation.database_errors import is_overloaded, is_transient
from app.generation.errors import GenerationError, OutcomeUnknown, SlotClash, SlotsFull
from app.generation.events import EventBuffer
from app.generation.slots.holders import Claim, Holders, Slots
from app.generation.slots.keeper import SlotKeeper

#: How often two numbers may clash with those of others before the request is refused.
CLASH_TRIES = 3

#: Of one of several orders: None where nothing was tried.
Outcome = Admission | GenerationError | Tried | None


class Admissions:
    """Decides on orders. One a process, shared by its threads."""

    def __init__(self, db: Database, keeper: SlotKeeper, events: EventBuffer) -> None:
        self._db, self._keeper, self._events = db, keeper, events
        self.together = Batcher(self._admit_together)

    def admit(self, caller: Caller, order: Order) -> Admission:
        """The course is started and its generation queued, both or neither.

        Raises `CourseNotFound`, `Forbidden`, `GenerationActive`, `UserFull`, `SystemFull`, `KeyInFlight`, `KeyReused`;
        `AdmissionFailed` when all was rolled back; `OutcomeUnknown` when that can't be told. Nothing that can fail runs
        after the commit.
        """
        wish = Wish(uuid7(), caller, order)
        try:
            outcome = self.together.ask(wish) if order.is_plain else None
            if isinstance(outcome, Admission):
                return outcome
            if isinstance(outcome, GenerationError):
                raise outcome
            return self._admit_alone(wish, outcome)
        except GenerationError as error:
            report_refusal(self._events, wish, error)
            raise

    def _admit_together(self, wishes: Sequence[Wish]) -> list[Outcome]:
        """Plain orders of one moment: one read, one call of Redis, and one statement that starts all it can.

        The others are left to be decided alone, and may hold slots by then.
        """
        outcomes: dict[Wish, Outcome] = dict.fromkeys(wishes)
        try:
            with self._db.connection() as conn:
                courses = find_courses(conn, [wish.order.course_id for wish in wishes])
            outcomes |= {wish: refusal(course, wish.caller) for wish, course in zip(wishes, courses, strict=True)}
            chosen = [wish for wish in wishes if outcomes[wish] is None]
            taken = dict(zip(chosen, self._keeper.take_all([wish.claim for wish in chosen]), strict=True))
        except psycopg.Error as error:
            if not is_transient(error):
                raise
            taken = {}
        outcomes |= {wish: numbers for wish, numbers in taken.items() if isinstance(numbers, SlotsFull)}
        outcomes |= self._start_together({wish: slots for wish, slots in taken.items() if isinstance(slots, Slots)})
        return [outcomes[wish] for wish in wishes]

    def _start_together(self, slots: Mapping[Wish, Slots]) -> Mapping[Wish, Admission | Tried]:
        """Those that need not wait for anything are started, in one transaction for all of them."""
        if not slots:
            return {}
        try:
            with self._db.statement() as conn:
                started = start_plain(conn, slots)
        except psycopg.Error as error:
            if is_overloaded(error):
                for wish in slots:
                    self._keeper.release(wish.generation_id, wish.caller.user_id)
                raise
            # What is wrong with one order must not fail the others.
            failure = error if len(slots) == 1 or is_transient(error) else None
            return {wish: Tried(numbers, failure) for wish, numbers in slots.items()}
        return {wish: started.get(wish) or Tried(numbers) for wish, numbers in slots.items()}

    def _admit_alone(self, wish: Wish, tried: Tried | None) -> Admission:
        """As `admit`, in a transaction of its own, which waits for the course where that is locked."""
        db, keeper, order, claim = self._db, self._keeper, wish.order, wish.claim
        try:
            if tried is None and order.idempotency_key is None:
                look_at_course(db, wish.caller, order.course_id)
            for _ in range(CLASH_TRIES):
                if order.idempotency_key is not None:  # the look and the slots, too, wait for the claim of the key
                    write = partial(start_once, wish, keeper)
                else:
                    slots = take_slots(keeper, claim) if tried is None else tried.slots
                    write = partial(start, wish, slots, keeper.system_limit)
                try:
                    admission = commit_once(db, wish.generation_id, write, tried.failure if tried else None)
                    return admission or Admission(wish.generation_id)
                except SlotClash:
                    keeper.put_right(wish.generation_id, wish.caller.user_id)
                    tried = None
            raise full_after_clashes(db, keeper.system_limit, wish.caller)
        except OutcomeUnknown:
            raise  # the slot is kept: the generation may exist, and upkeep will know
        except BaseException:  # whatever ends it, its slot is given back before that goes on
            keeper.release(wish.generation_id, wish.caller.user_id)
            raise


def look_at_course(db: Database, caller: Caller, course_id: UUID) -> None:
    """The course exists, is the caller's and has no active generation; tried again after transient errors."""
    for attempt in retrying():
        with attempt, db.connection() as conn:
            check_course(conn, caller, course_id)
            return


def take_slots(keeper: SlotKeeper, claim: Claim, holders: Holders | None = None) -> Slots | None:
    """Returns the slots, or None if PostgreSQL has to pick. Raises `UserFull` or `SystemFull`."""
    [answer] = keeper.take_all([claim], holders)
    if isinstance(answer, SlotsFull):
        raise answer
    return answer


def start_once(wish: Wish, keeper: SlotKeeper, conn: Connection[Any]) -> Admission:
    """The transaction of an order with an idempotency key, which is claimed before all else.

    What goes before the transaction otherwise, the look at the course and the taking of slots, is done under the claim.
    Raises `KeyInFlight`, `KeyReused` and what these and `start` raise.
    """
    earlier = claim_key(conn, wish.caller.user_id, wish.order)
    if earlier is not None:
        return Admission(earlier, replayed=earlier != wish.generation_id)
    check_course(conn, wish.caller, wish.order.course_id)
    slots = take_slots(keeper, wish.claim, Holders(lambda: nullcontext(conn)))
    return start(wish, slots, keeper.system_limit, conn)
