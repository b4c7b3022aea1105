"""The stages of a generation, which follows which, and how often each may start."""

from dataclasses import dataclass
from enum import Enum


class Stage(Enum):
    """A piece of work that a worker runs. Compared with the database's `coursegen.stage` by a test."""

    DOCUMENT_PROCESSING = "DOCUMENT_PROCESSING"
    STRUCTURE_ANALYSIS = "STRUCTURE_ANALYSIS"
    STRUCTURE_GENERATION = "STRUCTURE_GENERATION"
    TEXT_GENERATION = "TEXT_GENERATION"
    FINALIZATION = "FINALIZATION"

    @property
    def next(self) -> "Stage | None":
        """The stage that follows; None after the last."""
        return _NEXT[self]


_NEXT = {
    Stage.DOCUMENT_PROCESSING: Stage.STRUCTURE_GENERATION,
    Stage.STRUCTURE_ANALYSIS: Stage.STRUCTURE_GENERATION,
    Stage.STRUCTURE_GENERATION: Stage.TEXT_GENERATION,
    Stage.TEXT_GENERATION: Stage.FINALIZATION,
    Stage.FINALIZATION: None,
}


@dataclass(frozen=True, slots=True)
class StageRules:
    """How often a stage may start and how long it may wait, in seconds.

    `starts`: how many may go wrong. `backoff_s`: the wait after the first of them, doubled after each. `at_once`: how
    many of the stage may run at a time in all, None for any number. `pause_s`: how long providers may keep it waiting.
    """

    starts: int = 3
    backoff_s: float = 5.0
    at_once: int | None = None
    pause_s: float = 6 * 3600.0
