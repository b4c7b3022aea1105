"""Webhook messages of a generation: every step, in order."""

import base64
import hmac
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from nacl.signing import SigningKey
from standardwebhooks import Webhook

from app.generation.callers import Caller
from app.generation.queue import WEBHOOK_TASK, WEBHOOKS_QUEUE
from app.generation.runs.cancel import cancel_course
from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.generation.webhooks import outbox as webhooks
from app.services import Services
from tests.integration.factories import FILE, MakeCourse, MakeToken
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import MakeWorker, StartGeneration, status_of, work, working
from tests.integration.tasks.processes import wait_until
from tests.integration.tasks.running import claim, run
from tests.integration.tasks.webhooks.conftest import OLDER_SECRET, SECRET, SENDING, SIGNING_KEY, Connection, announce
from tests.integration.tasks.webhooks.webhook_messages import (
    ANALYSIS,
    BEGINNING,
    CONTENT,
    DOCUMENTS,
    END,
    STRUCTURE,
    summaries,
    waiting_jobs,
    written,
)
from tests.receivers import Receiver, say_nothing, speaking


def test_a_generation_sends_a_message_for_every_step_signed_with_every_key(
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
    ids = [str(row["id"]) for row in rows(conn, "select id from coursegen.webhook_deliveries order by seq")]
    assert [message.headers["webhook-id"] for message in receiver.received] == ids
    for message in receiver.received:
        for secret in (SECRET, f"whsec_{base64.b64encode(OLDER_SECRET.encode()).decode()}"):
            assert Webhook(secret).verify(message.body, message.headers) == message.json
        assert message.headers["x-webhook-signature"] == hmac.digest(SECRET.encode(), message.body, "sha256").hex()
        signed = f"{message.headers['webhook-id']}.{message.headers['webhook-timestamp']}.".encode() + message.body
        signature = message.headers["webhook-signature"].rpartition(" v1a,")[2]
        SigningKey(base64.b64decode(SIGNING_KEY.removeprefix("whsk_"))).verify_key.verify(
            signed, base64.b64decode(signature)
        )
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
    monkeypatch.setattr(webhooks, "QUERIES", {})  # a look-up fails
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
    assert summaries(of[first]) == [*BEGINNING, ("cancelled", 1, 20, "Генерация отменена")]
    assert summaries(of[second])[-1] == ("cancelled", 2, 40, "Генерация отменена")


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
