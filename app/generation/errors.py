"""The errors of the domain: one base, one class for each cause, data as attributes."""

from dataclasses import dataclass
from uuid import UUID

from app.generation.tiers import Tier

#: The source of generations that are the platform's older service's.
OLD_STACK = "old_stack"


class GenerationError(Exception):
    """The domain did not do what a caller asked for."""

    def __str__(self) -> str:
        return str(self.__doc__)


class CourseNotFound(GenerationError):
    """There is no such course."""


class Forbidden(GenerationError):
    """The course belongs to another user."""


@dataclass(eq=False)
class GenerationActive(GenerationError):
    """The course has an active generation; its id if known. `source`: the `OLD_STACK`, if it is not ours."""

    generation_id: UUID | None = None
    source: str | None = None

    def __str__(self) -> str:
        if self.source is not None:
            return "The old stack is generating the course"
        return f"The course has an active generation: {self.generation_id or 'another request has just started it'}"


class KeyInFlight(GenerationError):
    """A request with the same idempotency key is under way."""


class KeyReused(GenerationError):
    """The idempotency key was used for another request."""


@dataclass(eq=False)
class RateLimited(GenerationError):
    """The user has started and cancelled too often within a minute; the next one is possible in `retry_s`."""

    per_minute: int
    retry_s: int

    def __str__(self) -> str:
        return f"More than {self.per_minute} starts and cancels in a minute; the next in {self.retry_s} s"


class NoContent(GenerationError):
    """No generation of the course was completed."""


class NothingActive(GenerationError):
    """The course has no active generation."""


class WatchFull(GenerationError):
    """This process has no room for another watcher."""


class UserWatchFull(GenerationError):
    """The user has as many watchers in this process as a user may have."""


class WatchEnded(GenerationError):
    """This process no longer watches courses."""


class NotFailed(GenerationError):
    """Only a failed generation can be retried; this one has not failed."""


class NotWaiting(GenerationError):
    """Only a generation that waits for a worker has a priority to change; this one does not wait."""


class NothingToSend(GenerationError):
    """There is no such delivery, or every delivery has succeeded."""


@dataclass(eq=False)
class SlotsFull(GenerationError):
    """No slot is free; the counts are those at the refusal."""

    tier: Tier
    user_limit: int
    user_active: int
    system_limit: int
    system_active: int


class UserFull(SlotsFull):
    """The user has as many active generations as the tier allows."""

    def __str__(self) -> str:
        limit = f"{self.tier.value} tier allows {self.user_limit}"
        return f"The user has as many active generations as the tier allows: {self.user_active}; {limit}"


class SystemFull(SlotsFull):
    """The system has as many active generations as it may have."""

    def __str__(self) -> str:
        return f"The system is full: {self.system_active} generations are active, of {self.system_limit} at once"


@dataclass(eq=False)
class AdmissionFailed(GenerationError):
    """The admission was rolled back; `exhausted`: after all retries. Its cause is the database's error."""

    exhausted: bool

    def __str__(self) -> str:
        causes = str(self.__cause__ or "").splitlines() or ["no reason is known"]
        return f"The admission was rolled back: {causes[0]}"


class OutcomeUnknown(GenerationError):
    """The connection was lost during the commit, and its outcome could not be read in time."""


@dataclass(eq=False)
class Superseded(GenerationError):
    """The generation is final, deleted or held by a later run: this run may write nothing."""

    generation_id: UUID


@dataclass(eq=False)
class StartsExhausted(GenerationError):
    """The stage used up its starts, and the generation has failed."""

    generation_id: UUID


@dataclass(eq=False)
class StageFull(GenerationError):
    """As many starts of the stage run as may, or an operator has paused it; the generation is queued again."""

    generation_id: UUID


class SlotClash(GenerationError):
    """Another generation took the slot number between the proposal and the insert."""


class AdmissionsPaused(GenerationError):
    """An operator has paused the start of generations."""

    def __str__(self) -> str:
        return "Admissions are paused. An operator resumes them: `coursegen resume admissions`"


class ControlsBusy(GenerationError):
    """Admissions under way would not end in time for the change. Nothing was changed; try again in a moment."""


@dataclass(eq=False)
class NotPaused(GenerationError):
    """What should be resumed is not paused, or with all stages."""

    name: str

    def __str__(self) -> str:
        return f"{self.name} is not paused" + (
            ": resume all stages, if these are" if self.name.startswith("stage:") else ""
        )


class NotOverridden(GenerationError):
    """There is nothing to reset: the environment's value is in force."""


@dataclass(eq=False)
class LimitOutOfBounds(GenerationError):
    """An operator may not set this limit."""

    lowest: int
    highest: int

    def __str__(self) -> str:
        return f"The limit must lie between {self.lowest} and {self.highest}: GLOBAL_CONCURRENCY_LIMIT_MIN and _MAX"


class BadTier(GenerationError):
    """A tier's slots must lie between 1 and 10000, its priority between 0 and 10000."""
