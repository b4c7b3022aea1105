"""Webhook messages of a generation: every step, in order, once, and nothing that was rolled back."""

import threading
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg.rows import DictRow
from standardwebhooks import Webhook

from app.generation.callers import Caller
from app.generation.queue import WEBHOOK_TASK, WEBHOOKS_QUEUE
from app.generation.runs import take_over as takeover
from app.generation.runs.cancel import cancel_course
from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.generation.webhooks import outbox as webhooks
from app.services import Services
from tests.integration.factories import FILE, MakeCourse, MakeToken
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import MakeWorker, StartGeneration, status_of, work, work_until_final, working
from tests.integration.tasks.processes import wait_until
from tests.integration.tasks.running import claim, run
from tests.integration.tasks.webhooks.conftest import SECRET, SENDING, announce
from tests.receivers import Received, Receiver, say_nothing, speaking

Connection = psycopg.Connection[DictRow]

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


def test_a_generation_sends_a_message_for_every_step_signed_both_ways(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    receiver: Receiver,
) -> None:
    course = make_course()
    generation_id = start_generation(course, webhook_url=receiver.url)
    work(make_worker(**SENDING), "stages", "webhooks")
    assert status_of(conn, generation_id) == "completed"
    assert summaries(receiver.received) == BEGINNING + ANALYSIS + STRUCTURE + CONTENT + END
    for seq, message in enumerate(receiver.received, start=1):
        assert Webhook(SECRET).verify(message.body, message.headers) == message.json
        assert message.headers["webhook-id"] == f"{generation_id}-{seq}"
        assert message.headers["content-type"] == "application/json"
        assert message.path == "/hook?key=1"
        assert message.json.keys() == {"courseId", "status", "progress", "data"}
        assert (message.json["courseId"], message.json["data"]) == (str(course.id), {"jobId": str(generation_id)})
    assert rows(conn, "select distinct state::text from coursegen.webhook_deliveries") == [{"state": "delivered"}]
    assert rows(conn, "select 1 from procrastinate_jobs where queue_name = 'webhooks'") == []


def test_processed_documents_have_messages_of_their_own(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    receiver: Receiver,
    files_root: Path,
) -> None:
    (files_root / "notes.md").write_text("# Основы\n\nТекст.\n\n## Тема\n\nТекст темы.\n", encoding="utf-8")
    start_generation(make_course(files=[FILE]), webhook_url=receiver.url)
    work(make_worker(**SENDING), "stages", "webhooks")
    assert summaries(receiver.received) == BEGINNING + DOCUMENTS + STRUCTURE + CONTENT + END


def test_a_request_over_http_names_the_webhook_and_the_first_message_is_of_the_admission(
    app: Flask,
    client: FlaskClient,
    make_worker: MakeWorker,
    make_course: MakeCourse,
    token: MakeToken,
    conn: Connection,
) -> None:
    course = make_course(webhook_url="https://example.org/of-the-course")
    headers = {"Authorization": f"Bearer {token(course.user_id)}"}
    body = {"courseId": str(course.id), "webhookUrl": "https://example.org/hook"}
    answer = client.post("/api/coursegen/generate", json=body, headers=headers).get_json()
    assert written(conn, UUID(answer["jobId"])) == BEGINNING
    assert waiting_jobs(conn) == 1


def test_a_webhook_of_the_course_that_the_request_did_not_name_gets_no_message(
    start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    start_generation(make_course(webhook_url="https://example.org/hook"))
    assert rows(conn, "select 1 from coursegen.webhook_deliveries") == []


def test_without_a_webhook_there_is_not_one_statement_more(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    services: Services,
    conn: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhooks, "QUERIES", {})  # whoever looks for one fails
    completed = start_generation(make_course())
    assert rows(conn, "select queue_name from procrastinate_jobs") == [{"queue_name": "stages"}]
    work(make_worker())
    course = make_course()
    cancelled = start_generation(course)
    cancel_course(services.db, services.slots, Caller(course.user_id, Tier.FREE), course.slug)
    failed = start_generation(make_course())
    work(make_worker({Stage.STRUCTURE_ANALYSIS: "refuses"}))
    assert [status_of(conn, id_) for id_ in (completed, cancelled, failed)] == ["completed", "cancelled", "failed"]


def test_the_message_of_a_failure_has_its_error(
    make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, receiver: Receiver
) -> None:
    start_generation(make_course(), webhook_url=receiver.url)
    work(make_worker({Stage.STRUCTURE_ANALYSIS: "refuses"}, **SENDING), "stages", "webhooks")
    assert summaries(receiver.received) == [
        *BEGINNING,
        ANALYSIS[0],
        ("failed", 2, 20, "Не удалось проанализировать задачу курса"),
    ]
    assert receiver.received[-1].json["error"] == "В документах нет текста"
    assert "error" not in receiver.received[0].json


def test_a_retried_stage_is_not_announced_again(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    receiver: Receiver,
) -> None:
    generation_id = start_generation(make_course(), webhook_url=receiver.url)
    app = make_worker({Stage.STRUCTURE_ANALYSIS: "fails_once"}, **SENDING)
    work_until_final(app, conn, generation_id)
    assert written(conn, generation_id) == BEGINNING + ANALYSIS + STRUCTURE + CONTENT + END


def test_a_cancellation_is_announced_queued_or_running(
    services: Services,
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    receiver: Receiver,
) -> None:
    queued, running = make_course(), make_course()
    first = start_generation(queued, webhook_url=receiver.url)
    second = start_generation(running, webhook_url=receiver.url)
    run(make_worker(), claim(conn, second))
    for course in (queued, running):
        cancel_course(services.db, services.slots, Caller(course.user_id, Tier.FREE), course.slug)
    work(make_worker(**SENDING), "webhooks")
    of = {id_: [m for m in receiver.received if m.json["data"]["jobId"] == str(id_)] for id_ in (first, second)}
    assert summaries(of[first]) == [*BEGINNING, ("cancelled", 1, 20, "Инициализация завершена")]
    assert summaries(of[second])[-1] == ("cancelled", 2, 40, "Задача курса проанализирована")


def test_an_operators_retry_is_announced_from_its_first_stage_with_its_own_id(
    app: Flask,
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    receiver: Receiver,
) -> None:
    failed = start_generation(make_course(), webhook_url=receiver.url)
    work(make_worker({Stage.STRUCTURE_GENERATION: "refuses"}, **SENDING), "stages", "webhooks")
    before = len(receiver.received)
    assert app.test_cli_runner().invoke(args=["generations", "retry", str(failed)]).exit_code == 0
    work(make_worker(**SENDING), "stages", "webhooks")
    after = receiver.received[before:]
    assert summaries(after)[0] == ("initializing", 2, 40, "Задача курса проанализирована")
    assert summaries(after)[1:] == STRUCTURE + CONTENT + END
    assert [message.seq for message in after] == list(range(1, 8))
    assert {message.json["data"]["jobId"] for message in after} != {str(failed)}


def test_exhausted_starts_are_announced_as_a_failure(
    services: Services, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    generation_id = start_generation(make_course(), webhook_url="https://example.org/")
    conn.execute(
        "insert into coursegen.attempts (generation_id, stage, fence, job_id, worker)"
        " select %s, 'STRUCTURE_ANALYSIS', 1, 1000 + n, 'gone' from generate_series(1, 3) n",
        [generation_id],
    )
    conn.execute("delete from procrastinate_jobs where queue_name = 'stages'")
    conn.execute("update coursegen.generations set created_at = now() - interval '1 minute'")
    conn.execute("update coursegen.attempts set outcome = 'died', finished_at = now()")
    takeover.take_over(services.db, services.slots, stalled_s=20, timeout_s=600)
    assert status_of(conn, generation_id) == "failed"
    assert written(conn, generation_id)[-1] == ("failed", 2, 20, "Не удалось проанализировать задачу курса")


def test_a_stage_that_was_taken_over_is_announced_once_and_not_by_its_former_run(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    files_root: Path,
) -> None:
    generation_id = start_generation(make_course(), webhook_url="https://example.org/")
    app = make_worker({Stage.STRUCTURE_ANALYSIS: "waits"})
    zombie = threading.Thread(target=run, args=(app, claim(conn, generation_id)))
    zombie.start()
    wait_until((files_root / "hanging").exists)
    assert written(conn, generation_id) == [*BEGINNING, ANALYSIS[0]]
    with psycopg.connect(app.services.settings.database_url, row_factory=psycopg.rows.dict_row) as other:
        other.execute("update coursegen.generations set fence = fence + 1")
    (files_root / "go").touch()
    zombie.join(30)
    assert written(conn, generation_id) == [*BEGINNING, ANALYSIS[0]]
    assert rows(conn, "select status::text from coursegen.generations") == [{"status": "running"}]


def test_a_rolled_back_change_is_not_announced(
    services: Services, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    generation_id = start_generation(make_course(), webhook_url="https://example.org/")
    with pytest.raises(ZeroDivisionError), services.db.transaction() as inner:
        inner.execute("select coursegen.announce(%s, 'completed', null)", [generation_id])
        raise ZeroDivisionError
    assert written(conn, generation_id) == BEGINNING
    assert waiting_jobs(conn) == 1


@pytest.mark.parametrize(
    "progress",
    [
        '{"current_step": "x", "percentage": 1e300, "message": {"a": 1}}',
        '{"current_step": 9, "percentage": -1, "message": null}',
        "[]",
        "null",
        '"text"',
    ],
)
def test_malformed_progress_is_announced_with_values_of_the_right_types(
    services: Services, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection, progress: str
) -> None:
    generation_id = start_generation(make_course(), webhook_url="https://example.org/")
    conn.execute("update courses set generation_progress = %s::jsonb", [progress])
    announce(services, generation_id, "failed")
    [_, (status, step, percentage, message)] = written(conn, generation_id)
    assert (status, step, percentage) == ("failed", 1, 20)
    assert isinstance(message, str)


def test_a_deleted_course_takes_its_pending_messages_with_it(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    receiver: Receiver,
) -> None:
    start_generation(make_course(), webhook_url=receiver.url)
    conn.execute("delete from courses")
    work(make_worker(**SENDING), "stages", "webhooks")
    assert receiver.received == []
    assert rows(conn, "select 1 from procrastinate_jobs where queue_name in ('stages', 'webhooks')") == []


def test_a_generation_completes_while_its_receiver_does_not_respond(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
) -> None:
    with working(make_worker(**SENDING), "webhooks"), speaking(say_nothing) as port:
        generation_id = start_generation(make_course(), webhook_url=f"http://127.0.0.1:{port}/")
        held = "select 1 from coursegen.webhook_deliveries where held_until is not null"
        wait_until(lambda: rows(conn, held) != [])
        work(make_worker())
        assert status_of(conn, generation_id) == "completed"
        assert rows(conn, held) != []  # it still waits for the answer to its first message
    states = rows(conn, "select distinct state::text, failures from coursegen.webhook_deliveries order by failures")
    assert states == [{"state": "pending", "failures": 0}, {"state": "pending", "failures": 1}]


def test_the_queues_task_is_the_workers(make_worker: MakeWorker) -> None:
    assert make_worker().tasks[WEBHOOK_TASK].queue == WEBHOOKS_QUEUE


def test_the_states_are_those_of_the_database(conn: Connection) -> None:
    [row] = rows(conn, "select enum_range(null::coursegen.webhook_delivery_state)::text[] as members")
    assert row["members"] == [state.value for state in webhooks.DeliveryState]
