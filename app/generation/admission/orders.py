"""What is asked for, and what became of it."""

from dataclasses import dataclass
from uuid import UUID

from app.generation.callers import Caller
from app.generation.slots.holders import Claim, Slots, SlotUse


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


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """Somebody's order, under the id that its generation is to have."""

    generation_id: UUID
    caller: Caller
    order: Order

    @property
    def claim(self) -> Claim:
        """What it wants of the slots."""
        return Claim(self.generation_id, self.caller.user_id, self.caller.tier)


@dataclass(frozen=True, slots=True)
class Admission:
    """What became of an order. `use`: of the slots just then, where it was counted.

    `replayed`: the generation was started before, by an order of the same idempotency key.
    """

    generation_id: UUID
    use: SlotUse | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """What did not become of an order: it holds these slots in Redis, and its generation was not started.

    `failure`: of the transaction that was to start it, after which it may have been started all the same.
    """

    slots: Slots
    failure: Exception | None = None
