"""The five steps that the frontend polls: which stage is which step, and its messages.

SQL alone writes the structure (`coursegen.write_course`); a caller passes changes to it.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

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


def change(step: int, status: StepStatus, message: str, **metadata: object) -> dict[str, Any]:
    """A step's change, as `coursegen.write_course` applies it."""
    described: dict[str, Any] = {"step": step, "status": status.value, "message": message}
    return {**described, "metadata": metadata} if metadata else described
