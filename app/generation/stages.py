"""The stages of a generation, and which follows which."""

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
