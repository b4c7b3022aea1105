"""Messages that a receiver can't take: they don't keep the later ones from it."""

import json
from collections.abc import Callable

import pytest

from app.services import Services
from tests.integration.generation.conftest import rows
from tests.integration.tasks.webhooks.conftest import (
    Connection,
    MakeSender,
    StartWithWebhook,
    announce,
    failing,
    jobs,
    let_time_pass,
    numbers,
    outbox,
)
from tests.receivers import Received, Receiver, Reply

#: As a message that was skipped, sent, and not sent yet.
SKIPPED, SENT, WAITING = ("given_up", 0), ("delivered", 0), ("pending", 0)


def answering(**statuses: int) -> Callable[[list[Received]], Reply]:
    """Answers by the message's status; any other gets 200."""
    return lambda received: Reply(statuses.get(json.loads(received[-1].body)["status"], 200))


def send(make_sender: MakeSender, conn: Connection, generation_id: object, times: int) -> None:
    sender = make_sender()
    for _ in range(times):
        sender.send_next(generation_id)  # type: ignore[arg-type]
        let_time_pass(conn)


@pytest.mark.parametrize("status", [409, 500])
def test_after_three_refusals_the_newest_message_is_sent_in_their_place(
    make_sender: MakeSender, start_with_webhook: StartWithWebhook, conn: Connection, receiver: Receiver, status: int
) -> None:
    generation_id = start_with_webhook(receiver.url, count=5)
    receiver.reply = failing(200, status, status, status)
    sender = make_sender()
    for _ in range(4):
        sender.send_next(generation_id)
        conn.execute("update coursegen.webhook_deliveries set due_at = now() where state = 'pending'")
    assert outbox(conn, generation_id) == [SENT, ("given_up", 3), SKIPPED, SKIPPED, WAITING]
    assert jobs(conn, generation_id) == [0]
    sender.send_next(generation_id)
    assert numbers(receiver.received) == [1, 2, 2, 2, 5]
    assert outbox(conn, generation_id)[-1] == SENT


@pytest.mark.parametrize("statuses", [(401,), (404,), (429,), (503,), (500, 500, 503), (400, 404)])
def test_a_receiver_that_is_away_or_wrongly_set_up_gets_every_message(
    make_sender: MakeSender,
    start_with_webhook: StartWithWebhook,
    conn: Connection,
    receiver: Receiver,
    statuses: tuple[int, ...],
) -> None:
    generation_id = start_with_webhook(receiver.url)
    receiver.reply = failing(*(statuses * 5)[:5])
    send(make_sender, conn, generation_id, 8)
    assert numbers(receiver.received) == [1] * 6 + [2, 3]


@pytest.mark.parametrize(
    ("status", "state"), [(400, "given_up"), (409, "given_up"), (422, "given_up"), (500, "pending")]
)
def test_the_last_message_is_given_up_only_if_it_was_rejected(
    make_sender: MakeSender,
    start_with_webhook: StartWithWebhook,
    conn: Connection,
    receiver: Receiver,
    status: int,
    state: str,
) -> None:
    generation_id = start_with_webhook(receiver.url, count=1)
    receiver.reply = Reply(status)
    send(make_sender, conn, generation_id, 5)
    tries = 3 if state == "given_up" else 5
    assert outbox(conn, generation_id) == [(state, tries)]
    assert len(receiver.received) == tries


def test_a_new_message_does_not_wait_for_one_that_was_refused(
    services: Services,
    make_sender: MakeSender,
    start_with_webhook: StartWithWebhook,
    conn: Connection,
    receiver: Receiver,
) -> None:
    generation_id = start_with_webhook(receiver.url, count=1)
    receiver.reply = answering(initializing=500)
    send(make_sender, conn, generation_id, 3)
    conn.execute("update coursegen.webhook_deliveries set due_at = now() + interval '1 hour'")
    conn.execute("update procrastinate_jobs set scheduled_at = now() + interval '1 hour' where queue_name = 'webhooks'")
    announce(services, generation_id, "completed")
    assert outbox(conn, generation_id) == [("given_up", 3), WAITING]
    assert jobs(conn, generation_id) == [0]
    make_sender().send_next(generation_id)
    assert outbox(conn, generation_id)[-1] == SENT


def test_an_operator_sends_skipped_messages_again(
    make_sender: MakeSender, start_with_webhook: StartWithWebhook, conn: Connection, receiver: Receiver
) -> None:
    generation_id = start_with_webhook(receiver.url)
    receiver.reply = failing(500, 500, 500)
    send(make_sender, conn, generation_id, 4)
    assert numbers(receiver.received) == [1, 1, 1, 3]
    rows(conn, "select * from coursegen.resend_deliveries_v1(%s, null, 'me', null)", generation_id)
    receiver.reply = failing(500)
    receiver.received.clear()
    send(make_sender, conn, generation_id, 3)
    assert numbers(receiver.received) == [1, 1, 2]
