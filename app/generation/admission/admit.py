"""Admission: one request becomes one generation. This is the whole decision, in order."""

from collections.abc import Sequence

import psycopg
from uuid_utils.compat import uuid7

from app.database.pool import Database
from app.generation.admission.admission_retries import decide_once
from app.generation.admission.look_up import look_up
from app.generation.admission.refusals import refuse_after_clashes, report_refusal
from app.generation.admission.requests import Admission, AdmissionRequest, Decision, Order, Undecided, starts_nothing
from app.generation.admission.start import start_generations
from app.generation.batching import Batcher
from app.generation.callers import PER_MINUTE, Caller
from app.generation.database_errors import is_overloaded, is_transient
from app.generation.errors import GenerationError, OutcomeUnknown, SlotClash, SlotsFull
from app.generation.events import EventBuffer
from app.generation.slots.keeper import SlotKeeper

CLASH_TRIES = 3  # of slot numbers, with those of others, before the request is refused


class Admissions:
    """Decides on requests to start generations. One instance a process, shared by its threads.

    `system_limit`: how many generations may be active at once, unless an operator set another limit; None: dynamic.
    `beside`: the old stack serves the same courses, and one that it is generating is refused.
    """

    def __init__(
        self,
        db: Database,
        keeper: SlotKeeper,
        events: EventBuffer,
        system_limit: int | None,
        per_minute: int = PER_MINUTE,
        *,
        beside: bool = False,
    ) -> None:
        self._db, self._keeper, self._events = db, keeper, events
        self._system_limit, self._per_minute, self._beside = system_limit, per_minute, beside
        self.batches = Batcher(self._decide_batch)

    def admit(self, caller: Caller, order: Order) -> Admission:
        """Starts the course and queues its generation, both or neither. Nothing can fail after the commit.

        Raises a refusal, `AdmissionFailed` if all was rolled back, or `OutcomeUnknown` if that can't be known.
        """
        request = AdmissionRequest(uuid7(), caller, order)
        try:
            decision = self.batches.run(request)  # with the requests of the same moment
            if isinstance(decision, Undecided):
                decision = self._decide_alone(request, decision.failure)
            if isinstance(decision, GenerationError):
                raise decision
            return decision
        except GenerationError as error:
            report_refusal(self._events, request, error)
            raise

    def _decide(self, requests: Sequence[AdmissionRequest], *, wait: bool) -> list[Decision]:
        """One read, one call of Redis, one statement. `wait`: for courses that other transactions have locked."""
        with self._db.connection() as conn:
            # 404, 403, 409, 429, 503, or a replay
            decisions, limits = look_up(conn, requests, self._system_limit, self._per_minute)
        claims = [request.slot_request(found) for request, found in limits.items()]
        answers = dict(zip(limits, self._keeper.take_all(claims), strict=True))
        # 429. The first request of a key may hold the slot that a repeat lacks: then the transaction decides.
        refused = {r: a for r, a in answers.items() if isinstance(a, SlotsFull) and not r.order.idempotency_key}
        slots = {r: None if isinstance(a, SlotsFull) else a for r, a in answers.items() if r not in refused}
        try:
            with self._db.statement() as conn:
                started = start_generations(conn, slots, self._system_limit, wait=wait, beside=self._beside)
        except psycopg.Error as error:
            self._keeper.release_all(r.holder for r in slots if is_overloaded(error))
            raise
        decided = decisions | refused | started
        taken = decided if wait else started  # alone, an earlier attempt may have taken slots
        self._keeper.release_all(r.holder for r in taken if starts_nothing(decided[r], r))
        return [decided[request] for request in requests]

    def _decide_batch(self, requests: Sequence[AdmissionRequest]) -> list[Decision]:
        """As `_decide`, without waiting. After an error each request is decided alone: it must not fail the others."""
        try:
            return self._decide(requests, wait=False)
        except psycopg.Error as error:
            if is_overloaded(error):
                raise
            return [Undecided(error if len(requests) == 1 or is_transient(error) else None)] * len(requests)

    def _decide_alone(self, request: AdmissionRequest, failure: Exception | None) -> Admission | GenerationError:
        """As a batch of one that waits for its course, with retries. `failure` ended the first attempt."""
        try:
            for _ in range(CLASH_TRIES):
                decision = decide_once(lambda: self._decide([request], wait=True)[0], failure)
                if not isinstance(decision, SlotClash | Undecided):
                    return decision
                self._keeper.rebuild_after_clash(*request.holder)
                failure = None
            return refuse_after_clashes(self._db, self._system_limit, request.caller)
        except BaseException as error:
            if not isinstance(error, OutcomeUnknown):  # then the generation may exist, and upkeep settles its slot
                self._keeper.release_all([request.holder])
            raise
