"""The operators' commands for webhook deliveries, and what the doctor reports of them."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from click.testing import Result
from flask import Flask
from psycopg.rows import DictRow

from tests.integration.generation.conftest import rows
from tests.integration.tasks.webhooks.conftest import (
    SECRET,
    MakeSender,
    StartWithWebhook,
    failing,
    jobs,
    numbers,
    outbox,
)
from tests.receivers import Receiver, Reply

Connection = psycopg.Connection[DictRow]


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["webhooks", *arguments])


def read(app: Flask, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(app, *arguments, "--json").stdout)
    return found


@pytest.fixture
def mixed(
    app: Flask, make_sender: MakeSender, start_with_webhook: StartWithWebhook, conn: Connection, receiver: Receiver
) -> UUID:
    """A generation whose deliveries were delivered, given up, failed once, and not sent yet."""
    generation_id, sender = start_with_webhook(receiver.url, count=4), make_sender()
    receiver.reply = failing(200, 500, 418)
    conn.execute("update coursegen.webhook_deliveries set give_up_at = now() + interval '1 s' where seq = 2")
    for _ in range(3):
        sender.send_next(generation_id)
    conn.execute("delete from procrastinate_jobs where queue_name = 'webhooks'")
    sender.send_next(generation_id)  # nothing is due; a job comes when it is
    assert outbox(conn, generation_id) == [("delivered", 0), ("given_up", 1), ("pending", 1), ("pending", 0)]
    return generation_id


def test_deliveries_are_listed_newest_first_with_their_last_attempt(app: Flask, mixed: UUID) -> None:
    found = read(app, "list")
    assert [(row["seq"], row["state"], row["failures"], row["response"]) for row in found] == [
        (4, "pending", 0, None),
        (3, "pending", 1, 418),
        (2, "given_up", 1, 500),
        (1, "delivered", 0, 200),
    ]
    assert {row["generation_id"] for row in found} == {str(mixed)}
    table = run(app, "list").output
    assert "given_up" in table
    assert str(mixed) in table


def test_the_list_is_narrowed_by_course_failure_and_time(
    app: Flask, mixed: UUID, start_with_webhook: StartWithWebhook, conn: Connection
) -> None:
    other = start_with_webhook("https://example.org/", count=1)
    [course] = rows(
        conn,
        "select courses.* from courses join coursegen.generations g on g.course_id = courses.id and g.id = %s",
        other,
    )
    for key in (course["slug"], str(course["id"])):
        assert [row["generation_id"] for row in read(app, "list", "--course", key)] == [str(other)]
    assert read(app, "list", "--course", "no such") == []
    assert [row["seq"] for row in read(app, "list", "--failed")] == [3, 2]
    assert len(read(app, "list", "--limit", "2")) == 2
    conn.execute("update coursegen.webhook_deliveries set created_at = now() - interval '2 hours' where seq = 2")
    assert [row["seq"] for row in read(app, "list", "--failed", "--since", "1h")] == [3]


def test_pending_deliveries_are_listed_with_their_due_times(app: Flask, mixed: UUID) -> None:
    found = read(app, "pending")
    assert [row["seq"] for row in found] == [4, 3]
    assert all(row["due_at"] for row in found)
    assert "due_at" in run(app, "pending").output


def test_one_webhook_is_shown_with_every_attempt(app: Flask, mixed: UUID, receiver: Receiver) -> None:
    [whole] = read(app, "show", str(mixed))
    assert (whole["generation_id"], whole["url"]) == (str(mixed), receiver.url)
    assert [row["seq"] for row in whole["deliveries"]] == [1, 2, 3, 4]
    assert [(row["seq"], row["status"]) for row in whole["attempts"]] == [(1, 200), (2, 500), (3, 418)]
    table = run(app, "show", str(mixed)).output
    assert receiver.url in table
    assert "418" in table
    missing = run(app, "show", str(uuid4()))
    assert (missing.exit_code, "There is no generation" in missing.output) == (1, True)


def test_control_characters_of_a_response_do_not_reach_the_terminal(
    app: Flask, make_sender: MakeSender, start_with_webhook: StartWithWebhook, receiver: Receiver
) -> None:
    receiver.reply = Reply(500, body=b"\x1b[2J\x07\r\nrm -rf /\x9b")
    generation_id = start_with_webhook(receiver.url, count=1)
    make_sender().send_next(generation_id)
    shown = run(app, "show", str(generation_id)).output
    assert "rm -rf /" in shown
    assert all(character.isprintable() for line in shown.split("\n") for character in line)


def test_all_that_was_not_delivered_is_sent_again_in_order(
    app: Flask, mixed: UUID, make_sender: MakeSender, conn: Connection, receiver: Receiver
) -> None:
    assert jobs(conn, mixed)[0] > 1
    done = run(app, "resend", str(mixed), "--reason", "their disk was full")
    assert (done.exit_code, done.output) == (0, "Will be sent again: 2, 3, 4\n")
    audit = conn.execute("select action, generation_id from coursegen.audit").fetchone()
    assert audit == {"action": "resend", "generation_id": mixed}
    assert outbox(conn, mixed) == [("delivered", 0)] + [("pending", 0)] * 3
    assert jobs(conn, mixed) == [0]
    assert rows(conn, "select action, generation_id, reason, details from coursegen.audit") == [
        {"action": "resend", "generation_id": mixed, "reason": "their disk was full", "details": {"seq": None}}
    ]
    sender = make_sender()
    for _ in range(3):
        sender.send_next(mixed)
    assert numbers(receiver.received[3:]) == [2, 3, 4]
    assert outbox(conn, mixed) == [("delivered", 0)] * 4
    again = run(app, "resend", str(mixed))
    assert (again.exit_code, "every delivery has succeeded" in again.output) == (1, True)


def test_one_is_sent_again_even_if_it_was_delivered(
    app: Flask, mixed: UUID, make_sender: MakeSender, conn: Connection, receiver: Receiver
) -> None:
    before = receiver.received[0]
    assert run(app, "resend", str(mixed), "--seq", "1").exit_code == 0
    make_sender().send_next(mixed)
    again = receiver.received[-1]
    assert (again.body, again.headers["webhook-id"]) == (before.body, before.headers["webhook-id"])
    assert outbox(conn, mixed)[0] == ("delivered", 0)
    assert run(app, "resend", str(mixed), "--seq", "9").exit_code == 1
    assert run(app, "resend", str(uuid4())).exit_code == 1


def test_after_410_a_resend_sends_that_delivery_and_the_later_ones(
    app: Flask, make_sender: MakeSender, start_with_webhook: StartWithWebhook, conn: Connection, receiver: Receiver
) -> None:
    generation_id, sender = start_with_webhook(receiver.url), make_sender()
    receiver.reply = failing(410)
    sender.send_next(generation_id)
    assert outbox(conn, generation_id)[2] == ("gone", 0)
    assert run(app, "resend", str(generation_id)).output == "Will be sent again: 1, 2, 3\n"
    for _ in range(3):
        sender.send_next(generation_id)
    assert outbox(conn, generation_id) == [("delivered", 0)] * 3


def test_a_resend_does_not_send_twice_what_is_being_sent(
    app: Flask, make_sender: MakeSender, start_with_webhook: StartWithWebhook, conn: Connection, receiver: Receiver
) -> None:
    generation_id, sender = start_with_webhook(receiver.url, count=2), make_sender()

    def renew(_: object) -> Reply:
        if len(receiver.received) == 1:
            assert run(app, "resend", str(generation_id)).exit_code == 0
            assert jobs(conn, generation_id) == []  # who sends it calls for the next
        return Reply()

    receiver.reply = renew
    for _ in range(2):
        sender.send_next(generation_id)
    assert numbers(receiver.received) == [1, 2]
    assert outbox(conn, generation_id) == [("delivered", 0)] * 2


def test_the_doctor_reports_why_webhooks_are_pending(
    app: Flask, start_with_webhook: StartWithWebhook, conn: Connection
) -> None:
    def webhooks() -> dict[str, str]:
        result = app.test_cli_runner().invoke(args=["doctor", "--json"])
        [found] = [row for row in json.loads(result.stdout) if row["check"] == "webhooks"]
        return found  # type: ignore[no-any-return]

    assert (webhooks()["state"], webhooks()["found"]) == ("ok", "0 waiting")
    start_with_webhook("https://example.org/")
    assert (webhooks()["state"], "WEBHOOK_SECRET" in webhooks()["advice"]) == ("warning", True)
    services = app.extensions["services"]
    app.extensions["services"] = replace(services, settings=replace(services.settings, webhook_secret=SECRET))
    assert (webhooks()["state"], webhooks()["found"]) == ("ok", "1 waiting")
    conn.execute("update coursegen.webhook_deliveries set due_at = now() - interval '10 minutes'")
    assert (webhooks()["state"], "--only webhooks" in webhooks()["advice"]) == ("warning", True)
    conn.execute("update coursegen.webhook_deliveries set held_until = now() + interval '30 s' where seq = 1")
    assert (webhooks()["state"], webhooks()["found"]) == ("ok", "1 waiting")  # a sender is at work for it
