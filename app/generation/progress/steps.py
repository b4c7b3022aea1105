"""The five steps the frontend polls: which stage is which, and what is said of it.

The structure itself is written by SQL alone (`update_course_progress`, `reset_course_progress`);
here stand the words a caller passes to it, and the call.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from app.database.queries import QUERIES
from app.generation.stages import Stage


class StepStatus(Enum):
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """A step as a stage sees it: its number, what it says, and the course's status meanwhile."""

    id: int
    started: str
    completed: str
    failed: str
    course_status: str


ADMITTED_STEP = 1
ADMITTED_MESSAGE = "Инициализация завершена"
ADMITTED_STATUS = "initializing"

#: What a course's status is when its generation is over.
FINAL_STATUSES = frozenset({"completed", "failed", "cancelled"})

STEPS = {
    Stage.DOCUMENT_PROCESSING: Step(
        2,
        "Обрабатываем загруженные документы...",
        "Документы успешно обработаны",
        "Не удалось обработать документы",
        "processing_documents",
    ),
    Stage.STRUCTURE_ANALYSIS: Step(
        2,
        "Анализируем задачу курса...",
        "Задача курса проанализирована",
        "Не удалось проанализировать задачу курса",
        "analyzing_task",
    ),
    Stage.STRUCTURE_GENERATION: Step(
        3,
        "Создаём структуру курса...",
        "Структура курса создана",
        "Не удалось создать структуру курса",
        "generating_structure",
    ),
    Stage.TEXT_GENERATION: Step(
        4,
        "Создаём содержание уроков...",
        "Содержание уроков создано",
        "Не удалось создать содержание уроков",
        "generating_content",
    ),
    Stage.FINALIZATION: Step(
        5,
        "Завершаем создание курса...",
        "Курс успешно создан",
        "Не удалось завершить создание курса",
        "finalizing",
    ),
}


def change_step(
    conn: Connection[Any],
    course_id: UUID,
    step: int,
    status: StepStatus,
    message: str,
    course_status: str | None = None,
    *,
    error: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """The course's step, and its status if one is given, are as said, where the step may go there."""
    conn.execute(
        QUERIES["change_step"],
        {
            "course_id": course_id,
            "step": step,
            "status": status.value,
            "message": message,
            "error": error,
            "details": None if details is None else Jsonb(dict(details)),
            "course_status": course_status,
        },
    )
