"""What stands in the description's examples."""

import json
from typing import Any

from app.generation.progress.steps import STEPS
from app.generation.stages import Stage
from app.http.routes.generate import MESSAGE
from app.http.schemas import EXAMPLE_ID

COURSE_ID = EXAMPLE_ID
JOB_ID = "01a20943-b2d3-7750-b82f-3fb227f58175"
SLUG = "osnovy-geologii"
REQUEST_ID = "c7b1f3a2-5d0e-4f6b-9a58-2f1d3c4b5a69"
ETAG = '"8d3f6f2f0c1b4a5e9d7c6b5a4f3e2d1c"'

ORDER = {"courseId": COURSE_ID}
ORDER_WITH_WEBHOOK = {**ORDER, "webhookUrl": "https://lms.example.org/hooks/generation"}

ADMITTED = {"success": True, "jobId": JOB_ID, "message": MESSAGE}
INITIATED = {**ADMITTED, "courseId": COURSE_ID}
CANCELLED = {"success": True, "jobId": JOB_ID, "status": "cancelled"}

FILE = {
    "id": "1",
    "name": "Лекции.pdf",
    "path": "geology/lectures.pdf",
    "mime_type": "application/pdf",
    "size": 482_113,
}


def _step(number: int, name: str, started: str | None, completed: str | None) -> dict[str, Any]:
    status = "completed" if completed else "in_progress" if started else "pending"
    times = {"started_at": started, "completed_at": completed}
    return {"id": number, "name": name, "status": status, **times, "error": None, "error_details": None}


_STEP = STEPS[Stage.TEXT_GENERATION]
PROGRESS = {
    "steps": [
        _step(1, "Запуск генерации", "2026-11-23T16:36:01.391Z", "2026-11-23T16:36:01.391Z"),
        _step(2, "Обработка документов", "2026-11-23T16:36:01.604Z", "2026-11-23T16:36:07.215Z"),
        _step(3, "Генерация структуры", "2026-11-23T16:36:07.298Z", "2026-11-23T16:37:12.870Z"),
        _step(4, "Создание контента", "2026-11-23T16:37:12.955Z", None),
        _step(5, "Финализация", None, None),
    ],
    "percentage": 70,
    "current_step": _STEP.id,
    "message": _STEP.started,
    "total_steps": 5,
    "has_documents": True,
    "lessons_completed": 3,
    "lessons_total": 12,
    "files": [FILE],
    "metadata": {},
}

STATUS = {
    "courseId": COURSE_ID,
    "slug": SLUG,
    "currentStatus": _STEP.course_status,
    "currentGenerationStatus": _STEP.course_status,
    "createdAt": "2026-11-23T16:32:10.118Z",
    "updatedAt": "2026-11-23T16:38:02.407Z",
    "isStuck": False,
    "recoveryReason": "",
    "suggestedStatus": _STEP.course_status,
    "queuePosition": None,
    "workerAlive": True,
    "minutesSinceCreation": 6,
    "generationProgress": PROGRESS,
}

READY = {"status": "ready", "checks": {"database": "ok", "migrations": "ok", "redis": "ok"}}
DEGRADED = {"status": "degraded", "checks": {"database": "ok", "migrations": "ok", "redis": "unavailable"}}
UNREADY = {"status": "unready", "checks": {"database": "unavailable", "migrations": "unknown", "redis": "ok"}}

NEVER_GENERATED = {
    **STATUS,
    "currentStatus": None,
    "currentGenerationStatus": None,
    "suggestedStatus": None,
    "workerAlive": None,
    "generationProgress": {"files": [FILE]},
}
EVENT = {"id": ETAG.strip('"'), "event": "progress", "data": json.dumps(STATUS, ensure_ascii=False)}
METRICS = """\
# HELP coursegen_database_up Whether the database answered.
# TYPE coursegen_database_up gauge
coursegen_database_up 1.0
"""
