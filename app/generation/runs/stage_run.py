"""A run: one job that carries a generation through its stages under one fence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.generation.stages import Stage


@dataclass(frozen=True, slots=True)
class Run:
    """A job's claim on its generation. It may write for as long as it holds the fence."""

    generation_id: UUID
    user_id: UUID
    fence: int
    job_id: int
    worker: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """A counted start of a stage by a run."""

    run: Run
    stage: Stage
    attempt_id: int
    course_id: UUID
    tier: str
    priority: int


@dataclass(frozen=True, slots=True)
class BegunStage:
    """A stage that has begun. `input`: the course and what earlier stages stored, see `coursegen.read_stage_input`."""

    start: Start
    input: Mapping[str, Any]
