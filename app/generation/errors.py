"""Every way the domain refuses or fails: one base, one class per cause, data as attributes."""

from dataclasses import dataclass
from uuid import UUID

from app.generation.tiers import Tier


class GenerationError(Exception):
    """Something a caller asked for did not happen."""

    def __str__(self) -> str:
        return str(self.__doc__)


class CourseNotFound(GenerationError):
    """There is no such course."""


class Forbidden(GenerationError):
    """The course belongs to somebody else."""


@dataclass(eq=False)
class GenerationActive(GenerationError):
    """The course has an active generation already; its id where it is known."""

    generation_id: UUID | None = None


class KeyInFlight(GenerationError):
    """A request with the same idempotency key is under way."""


class KeyReused(GenerationError):
    """The idempotency key came with another request before."""


class NothingActive(GenerationError):
    """The course has no active generation."""


class WatchFull(GenerationError):
    """As many watch their courses as this process has room for."""


class WatchEnded(GenerationError):
    """The process watches no courses any more."""


class NotFailed(GenerationError):
    """Only a failed generation is tried again; this one has not failed, or does not exist."""


class NothingToSend(GenerationError):
    """There is no such delivery to a webhook, or none that was not delivered."""


@dataclass(eq=False)
class SlotsFull(GenerationError):
    """No slot is free; the counts are those seen when it was refused."""

    tier: Tier
    user_limit: int
    user_active: int
    system_limit: int
    system_active: int


class UserFull(SlotsFull):
    """The user has as many active generations as the tier allows."""


class SystemFull(SlotsFull):
    """The system has as many active generations as it may have."""


@dataclass(eq=False)
class AdmissionFailed(GenerationError):
    """The admission was rolled back; `exhausted` tells whether retries were tried."""

    exhausted: bool


class OutcomeUnknown(GenerationError):
    """The database vanished during the commit, and whether it took place could not be learned in time."""


@dataclass(eq=False)
class Superseded(GenerationError):
    """The generation is final, gone or held by a later run: this one may write nothing."""

    generation_id: UUID


@dataclass(eq=False)
class StartsExhausted(GenerationError):
    """The stage had all its starts; the generation is failed."""

    generation_id: UUID


class SlotClash(GenerationError):
    """A slot's number was taken by another generation between the proposal and the insert."""
