"""A receiver that hangs delays only the same user's deliveries to the same host."""

import socket
import threading
from collections.abc import Sequence
from uuid import uuid4

import pytest

from tasks.webhooks import webhook_client
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import MakeWorker, working
from tests.integration.tasks.processes import wait_until
from tests.integration.tasks.webhooks.conftest import SENDING, Connection, StartWithWebhook, insert_webhooks, outbox
from tests.receivers import Received, Receiver, Reply, receiving

#: Less than a receiver that hangs holds its sender.
SECONDS = webhook_client.TOTAL_S - 2


@pytest.fixture
def hangs(receiver: Receiver) -> threading.Event:
    """Until it is set, the receiver does not respond at paths that begin with /hang."""
    released = threading.Event()

    def reply(received: list[Received]) -> Reply:
        if received[-1].path.startswith("/hang"):
            released.wait(30)
        return Reply()

    receiver.reply = reply
    return released


def at(receiver: Receiver, paths: Sequence[str]) -> list[str]:
    return [f"http://127.0.0.1:{receiver.port}{path}" for path in paths]


def count_delivered(conn: Connection) -> int:
    return len(rows(conn, "select 1 from coursegen.webhook_deliveries where state = 'delivered'"))


def test_another_users_messages_to_the_same_host_arrive_beside_hanging_ones(
    make_worker: MakeWorker,
    start_with_webhook: StartWithWebhook,
    conn: Connection,
    receiver: Receiver,
    hangs: threading.Event,
) -> None:
    insert_webhooks(conn, uuid4(), at(receiver, [f"/hang{number}" for number in range(40)]))
    app = make_worker(**{**SENDING, "webhook_concurrency": 4})
    with working(app, "webhooks", on_stop=app.shutdown.closed.set):
        receiver.wait_for(1)
        well = start_with_webhook(*at(receiver, ["/well"]))
        wait_until(lambda: outbox(conn, well) == [("delivered", 0)] * 3, SECONDS)
        app.shutdown.closed.set()
        hangs.set()


def test_a_users_other_receivers_are_not_delayed_by_a_hanging_host(
    make_worker: MakeWorker, conn: Connection, receiver: Receiver, hangs: threading.Event
) -> None:
    user_id = uuid4()
    insert_webhooks(conn, user_id, at(receiver, [f"/hang{number}" for number in range(40)]))
    app = make_worker(**{**SENDING, "webhook_concurrency": 4})
    with working(app, "webhooks", on_stop=app.shutdown.closed.set):
        receiver.wait_for(1)
        with receiving() as other:
            [well] = insert_webhooks(conn, user_id, [other.url])
            wait_until(lambda: outbox(conn, well) == [("delivered", 0)], SECONDS)
        app.shutdown.closed.set()
        hangs.set()


def test_one_user_with_a_thousand_hanging_receivers_silences_nobody(
    make_worker: MakeWorker, start_with_webhook: StartWithWebhook, conn: Connection, receiver: Receiver
) -> None:
    with socket.create_server(("", 0)) as silent:  # accepts connections and never reads
        hosts = [f"127.0.1.{number}" for number in range(1, 101)]
        urls = [f"http://{hosts[number % 100]}:{silent.getsockname()[1]}/{number}" for number in range(1000)]
        insert_webhooks(conn, uuid4(), urls)
        allowed = frozenset({"127.0.0.1:*", *(f"{host}:*" for host in hosts)})
        app = make_worker(**{**SENDING, "webhook_concurrency": 4, "webhook_allowed_hosts": allowed})
        with working(app, "webhooks", on_stop=app.shutdown.closed.set):
            held = "select 1 from coursegen.webhook_deliveries where held_until > now()"
            wait_until(lambda: len(rows(conn, held)) == 2)  # half of the places
            well = start_with_webhook(receiver.url)
            wait_until(lambda: outbox(conn, well) == [("delivered", 0)] * 3, SECONDS)
            app.shutdown.closed.set()
            silent.close()


def test_what_waits_for_a_busy_sender_is_sent_after_it_without_a_job(
    make_worker: MakeWorker, conn: Connection, receiver: Receiver, hangs: threading.Event
) -> None:
    insert_webhooks(conn, uuid4(), at(receiver, [f"/hang{number}" for number in range(4)]))
    app = make_worker(**{**SENDING, "webhook_concurrency": 4})
    with working(app, "webhooks", on_stop=app.shutdown.closed.set):
        waiting = "select 1 from procrastinate_jobs where queue_name = 'webhooks' and status = 'todo'"
        wait_until(lambda: len(receiver.received) == 1 and rows(conn, waiting) == [])
        hangs.set()
        wait_until(lambda: count_delivered(conn) == 4)
