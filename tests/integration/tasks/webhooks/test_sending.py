"""Sending: in order, with retries until given up, and only to allowed receivers."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from app.services import Services
from tasks import upkeep
from tasks.webhooks.sender import FIRST_WAIT_S, JITTER, LONGEST_WAIT_S, Sender
from tasks.webhooks.webhook_client import WebhookClient
from tests.integration.generation.conftest import rows
from tests.integration.generation.proxy import proxied
from tests.integration.tasks.conftest import MakeWorker
from tests.integration.tasks.webhooks.conftest import (
    OLDER_SECRET,
    SECRET,
    SENDING,
    SIGNING_KEY,
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
from tests.receivers import Receiver, Reply


def test_a_call_sends_one_delivery_and_schedules_the_next(
    make_sender: MakeSender, start_with_webhook: StartWithWebhook, conn: Connection, receiver: Receiver
) -> None:
    generation_id = start_with_webhook(receiver.url)
    conn.execute("delete from procrastinate_jobs where queue_name = 'webhooks'")
    make_sender().send_next(generation_id)
    assert numbers(receiver.received) == [1]
    assert outbox(conn, generation_id) == [("delivered", 0), ("pending", 0), ("pending", 0)]
    assert jobs(conn, generation_id) == [0]
    [attempt] = rows(conn, "select * from coursegen.webhook_attempts")
    assert (attempt["generation_id"], attempt["seq"], attempt["status"]) == (generation_id, 1, 204)
    assert (attempt["error"], attempt["excerpt"], attempt["ms"] >= 0) == (None, "", True)


@pytest.mark.parametrize("status", [301, 302, 308, 400, 401, 404, 429, 500, 503])
def test_any_other_response_is_a_failure_and_retried_before_later_deliveries(
    make_sender: MakeSender, start_with_webhook: StartWithWebhook, conn: Connection, receiver: Receiver, status: int
) -> None:
    generation_id = start_with_webhook(receiver.url)
    conn.execute("delete from procrastinate_jobs where queue_name = 'webhooks'")
    receiver.reply = Reply(status, (("Location", receiver.url),), b"no")
    sender = make_sender()
    sender.send_next(generation_id)
    sender.send_next(generation_id)  # it is not due yet
    assert numbers(receiver.received) == [1]
    assert outbox(conn, generation_id) == [("pending", 1), ("pending", 0), ("pending", 0)]
    [seconds] = jobs(conn, generation_id)
    assert FIRST_WAIT_S - 2 < seconds <= FIRST_WAIT_S * (1 + JITTER)
    assert rows(conn, "select status, excerpt from coursegen.webhook_attempts") == [{"status": status, "excerpt": "no"}]


def test_order_holds_through_failures_and_retries_repeat_the_same_message(
    make_sender: MakeSender, start_with_webhook: StartWithWebhook, conn: Connection, receiver: Receiver
) -> None:
    generation_id = start_with_webhook(receiver.url, count=4)
    receiver.reply = failing(500, 503, 204, 404, 204, 429)
    sender = make_sender()
    for _ in range(8):
        sender.send_next(generation_id)
        let_time_pass(conn)
    assert numbers(receiver.received) == [1, 1, 1, 2, 2, 3, 3, 4]
    assert len({(message.headers["webhook-id"], message.body) for message in receiver.received}) == 4
    assert outbox(conn, generation_id) == [("delivered", 2), ("delivered", 1), ("delivered", 1), ("delivered", 0)]


def test_a_message_from_before_ids_were_stored_keeps_the_id_that_its_receiver_may_know(
    make_sender: MakeSender, start_with_webhook: StartWithWebhook, conn: Connection, receiver: Receiver
) -> None:
    generation_id = start_with_webhook(receiver.url, count=1)
    conn.execute("update coursegen.webhook_deliveries set id = null")
    make_sender().send_next(generation_id)
    assert receiver.received[0].headers["webhook-id"] == f"{generation_id}-1"


def test_waits_grow_with_each_failure_to_the_longest(
    make_sender: MakeSender, start_with_webhook: StartWithWebhook, conn: Connection, receiver: Receiver
) -> None:
    generation_id, sender = start_with_webhook(receiver.url, count=1), make_sender()
    receiver.reply = Reply(500)
    for failures, expected in [(0, 5), (1, 10), (5, 160), (9, 2560), (10, LONGEST_WAIT_S), (1000, LONGEST_WAIT_S)]:
        conn.execute("update coursegen.webhook_deliveries set failures = %s, due_at = now()", [failures])
        conn.execute("delete from procrastinate_jobs where queue_name = 'webhooks'")
        sender.send_next(generation_id)
        [seconds] = jobs(conn, generation_id)
        assert expected - 2 < seconds <= expected * (1 + JITTER)


def in_1000_s() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=1000), usegmt=True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("600", 600),
        ("1", FIRST_WAIT_S),
        ("nonsense", FIRST_WAIT_S),
        ("999999", LONGEST_WAIT_S),
        (in_1000_s, 1000),
    ],
)
def test_retry_after_is_kept_within_limits(
    make_sender: MakeSender,
    start_with_webhook: StartWithWebhook,
    conn: Connection,
    receiver: Receiver,
    value: str | Callable[[], str],
    seconds: float,
) -> None:
    generation_id = start_with_webhook(receiver.url, count=1)
    conn.execute("delete from procrastinate_jobs where queue_name = 'webhooks'")
    receiver.reply = Reply(503, (("Retry-After", value if isinstance(value, str) else value()),))
    make_sender().send_next(generation_id)
    [waits] = jobs(conn, generation_id)
    assert 0.9 * seconds - 2 < waits <= seconds * (1 + JITTER)


def test_after_a_day_a_delivery_is_given_up_and_the_next_is_sent(
    make_sender: MakeSender, start_with_webhook: StartWithWebhook, conn: Connection, receiver: Receiver
) -> None:
    generation_id, sender = start_with_webhook(receiver.url), make_sender()
    receiver.reply = failing(500)
    conn.execute("update coursegen.webhook_deliveries set give_up_at = now() + interval '4 s' where seq = 1")
    conn.execute("update coursegen.webhook_deliveries set give_up_at = now() where seq = 2")
    for _ in range(3):
        sender.send_next(generation_id)
    assert numbers(receiver.received) == [1, 3]
    assert outbox(conn, generation_id) == [("given_up", 1), ("given_up", 0), ("delivered", 0)]


def test_after_410_nothing_more_is_sent_for_that_generation(
    make_sender: MakeSender,
    start_with_webhook: StartWithWebhook,
    services: Services,
    conn: Connection,
    receiver: Receiver,
) -> None:
    gone, sender = start_with_webhook(receiver.url), make_sender()
    receiver.reply = failing(204, 410)
    for _ in range(3):
        sender.send_next(gone)
    assert outbox(conn, gone) == [("delivered", 0), ("gone", 1), ("gone", 0)]
    announce(services, gone, "later")
    sender.send_next(gone)
    assert outbox(conn, gone)[3:] == [("gone", 0)]
    assert len(receiver.received) == 2
    other = start_with_webhook(receiver.url)
    sender.send_next(other)
    assert outbox(conn, other)[0] == ("delivered", 0)


def test_a_receiver_that_is_no_longer_allowed_or_not_public_is_not_connected_to(
    make_sender: MakeSender,
    start_with_webhook: StartWithWebhook,
    conn: Connection,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def connect(address: object, timeout: float) -> socket.socket:
        raise AssertionError("a connection")

    forbidden, rebound = start_with_webhook(receiver.url, count=1), start_with_webhook("https://example.org/", count=1)
    monkeypatch.setattr(socket, "create_connection", connect)
    sender = make_sender(
        WebhookClient(lambda host, port: ["8.8.8.8", "169.254.169.254"]), webhook_allowed_hosts=frozenset()
    )
    for generation_id in (forbidden, rebound):
        sender.send_next(generation_id)
        assert outbox(conn, generation_id) == [("pending", 1)]
    assert rows(conn, "select status, error from coursegen.webhook_attempts order by id") == [
        {"status": None, "error": "refused: an unusual port"},
        {"status": None, "error": "the name leads to an address that is not public"},
    ]


def test_any_response_body_is_stored(
    make_sender: MakeSender, start_with_webhook: StartWithWebhook, conn: Connection, receiver: Receiver
) -> None:
    receiver.reply = Reply(500, body=b"\0\xff\x1b[2J" + b"x" * 100_000)
    make_sender().send_next(start_with_webhook(receiver.url, count=1))
    [attempt] = rows(conn, "select excerpt from coursegen.webhook_attempts")
    assert attempt["excerpt"].startswith("��\x1b[2Jx")
    assert len(attempt["excerpt"]) <= 500


def test_neither_the_url_nor_the_secret_is_logged(
    make_sender: MakeSender,
    start_with_webhook: StartWithWebhook,
    receiver: Receiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    receiver.reply = failing(500, 204, 410)
    url, sender = receiver.url.replace("//", "//user:hunter2@"), make_sender()
    generation_id = start_with_webhook(url)
    for _ in range(4):
        sender.send_next(generation_id)
    said = " ".join(str(record.__dict__) for record in caplog.records if not record.name.startswith("psycopg"))
    assert "webhook_failed" in said
    for hidden in ("hunter2", "key=1", SECRET, OLDER_SECRET, SIGNING_KEY):
        assert hidden not in said


def test_without_a_secret_deliveries_stay_pending_and_are_sent_once_there_is_one(
    make_sender: MakeSender, start_with_webhook: StartWithWebhook, conn: Connection, receiver: Receiver
) -> None:
    generation_id = start_with_webhook(receiver.url, count=1)
    conn.execute("delete from procrastinate_jobs where queue_name = 'webhooks'")
    mute = make_sender(webhook_secret=None)
    mute.send_next(generation_id)
    upkeep.rescue_webhooks(mute.services, 20)
    assert (outbox(conn, generation_id), jobs(conn, generation_id)) == ([("pending", 0)], [])
    speaking = make_sender()
    upkeep.rescue_webhooks(speaking.services, 20)
    assert jobs(conn, generation_id) == [0]
    speaking.send_next(generation_id)
    assert outbox(conn, generation_id) == [("delivered", 0)]


def test_a_delivery_is_two_statements_each_a_transaction_of_its_own(
    make_worker: MakeWorker,
    start_with_webhook: StartWithWebhook,
    conn: Connection,
    receiver: Receiver,
    database_url: str,
) -> None:
    with proxied(database_url) as proxy:
        services = make_worker(**SENDING, database_url=proxy.url, pool_size=1).services
        sender = Sender(services, WebhookClient())
        for _ in range(8):  # until its connection is open and the statements are prepared
            sender.send_next(start_with_webhook(receiver.url, count=1))
        generation_id = start_with_webhook(receiver.url, count=1)
        turns, commits = proxy.turns, proxy.commits
        sender.send_next(generation_id)
        assert proxy.turns - turns == 2  # claim, finish
        assert proxy.commits == commits
    assert outbox(conn, generation_id) == [("delivered", 0)]
