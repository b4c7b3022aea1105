"""The messages of a generation that succeeds, and those that were written or received."""

from uuid import UUID

from tests.integration.generation.conftest import rows
from tests.integration.tasks.webhooks.conftest import Connection
from tests.receivers import Received

BEGINNING = [("initializing", 1, 20, "Инициализация завершена")]
ANALYSIS = [
    ("analyzing_task", 2, 30, "Анализируем задачу курса..."),
    ("analyzing_task", 2, 40, "Задача курса проанализирована"),
]
DOCUMENTS = [
    ("processing_documents", 2, 30, "Обрабатываем загруженные документы..."),
    ("processing_documents", 2, 40, "Документы успешно обработаны"),
]
STRUCTURE = [
    ("generating_structure", 3, 50, "Создаём структуру курса..."),
    ("generating_structure", 3, 60, "Структура курса создана"),
]
CONTENT = [
    ("generating_content", 4, 70, "Создаём содержание уроков..."),
    ("generating_content", 4, 80, "Содержание уроков создано"),
]
END = [("finalizing", 5, 90, "Завершаем создание курса..."), ("completed", 5, 100, "Курс успешно создан")]


def summaries(messages: list[Received]) -> list[tuple[str, int, int, str]]:
    bodies = [message.json for message in messages]
    return [(body["status"], *(body["progress"][key] for key in ("step", "percentage", "message"))) for body in bodies]


def written(conn: Connection, generation_id: UUID) -> list[tuple[str, int, int, str]]:
    """The messages of the outbox, sent or not."""
    query = (
        "select status, step, percentage, message from coursegen.webhook_deliveries where"
        " generation_id = %s order by seq"
    )
    return [tuple(row.values()) for row in rows(conn, query, generation_id)]


def waiting_jobs(conn: Connection) -> int:
    return len(rows(conn, "select 1 from procrastinate_jobs where queue_name = 'webhooks' and status = 'todo'"))
