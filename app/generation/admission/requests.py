"""The request for an admission, and the decision."""

import hashlib
import json
from dataclasses import dataclass
from uuid import UUID

from app.generation.audit import Actor
from app.generation.callers import Caller
from app.generation.errors import GenerationError
from app.generation.slots.holders import Limits, SlotRequest, SlotUse


@dataclass(frozen=True, slots=True)
class Order:
    """What a client asks for. `source` names the way it came in (http, trpc, cli, console)."""

    course_id: UUID
    webhook_url: str | None = None
    request_id: str | None = None
    source: str = "http"
    retry_of: UUID | None = None
    """A failed generation whose results are carried over; its failed stage comes first."""
    idempotency_key: str | None = None
    """The user's name for this order: a second order of that name starts nothing and repeats the first response."""
    actor: Actor | None = None
    """An operator who acts for the caller, for the audit."""
    traceparent: str | None = None
    """The trace that the generation belongs to."""

    @property
    def fingerprint(self) -> bytes:
        """32 bytes that are equal for equal orders, whichever way they came in."""
        return hashlib.sha256(json.dumps([str(self.course_id), self.webhook_url]).encode()).digest()


@dataclass(frozen=True, slots=True, eq=False)
class AdmissionRequest:
    """A caller's order, under the id that its generation will have."""

    generation_id: UUID
    caller: Caller
    order: Order

    @property
    def holder(self) -> tuple[UUID, UUID]:
        """The ids of the generation and its user, by which Redis knows the holder of its slots."""
        return self.generation_id, self.caller.user_id

    def slot_request(self, limits: Limits) -> SlotRequest:
        """The slots it needs."""
        return SlotRequest(self.generation_id, self.caller.user_id, self.caller.tier, limits)


@dataclass(frozen=True, slots=True)
class Admission:
    """The generation was admitted. `use` counts the slots just then; None where they were not counted.

    `replayed`: an order with the same idempotency key started the generation before.
    """

    generation_id: UUID
    use: SlotUse | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Undecided:
    """The batch could not decide: the course is locked, a slot number was taken, or the statement failed.

    After a `failure` whose commit is unknown the generation may exist.
    """

    failure: Exception | None = None


Decision = Admission | GenerationError | Undecided


def starts_nothing(decision: Decision, request: AdmissionRequest) -> bool:
    """Whether the request is refused, or repeats what another one started."""
    if isinstance(decision, Admission):
        return decision.generation_id != request.generation_id
    return isinstance(decision, GenerationError)
