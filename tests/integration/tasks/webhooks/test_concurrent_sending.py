"""One delivery of a webhook at a time, also when others are sent, lost or killed."""

import threading
import time
from collections.abc import Callable
from uuid import UUID

from app.generation.webhooks import outbox as webhooks
from app.generation.webhooks.outbox import Attempt, DeliveryState
from app.services import Services
from tasks.webhooks import webhook_client
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import MakeWorker, working
from tests.integration.tasks.processes import WorkerProcess, wait_until
from tests.integration.tasks.webhooks.conftest import (
    SECRET,
    SENDING,
    Connection,
    MakeSender,
    StartWithWebhook,
    let_time_pass,
    numbers,
    outbox,
)
from tests.receivers import Received, Receiver, Reply, say_nothing, speaking


def test_concurrent_senders_send_one_at_a_time_and_in_order(
    make_sender: MakeSender, start_with_webhook: StartWithWebhook, conn: Connection, receiver: Receiver
) -> None:
    generation_id, sender = start_with_webhook(receiver.url, count=6), make_sender()

    def slow(received: list[Received]) -> Reply:
        time.sleep(0.05)  # the receiver's work
        return Reply()

    receiver.reply = slow

    def send() -> None:
        while ("pending", 0) in outbox_of(generation_id):
            sender.send_next(generation_id)

    def outbox_of(generation_id: UUID) -> list[tuple[str, int]]:
        with sender.services.db.connection() as own:
            return outbox(own, generation_id)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert numbers(receiver.received) == [1, 2, 3, 4, 5, 6]


def test_a_lost_claim_writes_nothing(
    services: Services, start_with_webhook: StartWithWebhook, conn: Connection
) -> None:
    generation_id = start_with_webhook("https://example.org/", count=2)
    frozen = webhooks.claim_delivery(services.db, generation_id, share=4)
    assert frozen is not None
    assert webhooks.claim_delivery(services.db, generation_id, share=4) is None
    let_time_pass(conn)
    other = webhooks.claim_delivery(services.db, generation_id, share=4)
    assert other is not None
    assert (other.seq, other.held_until > frozen.held_until) == (1, True)
    assert not webhooks.finish_delivery(services.db, frozen, DeliveryState.GONE, Attempt(1, 410))
    assert not webhooks.finish_delivery(services.db, frozen, DeliveryState.PENDING, Attempt(1, 500), wait_s=60)
    assert outbox(conn, generation_id) == [("pending", 0), ("pending", 0)]
    assert webhooks.finish_delivery(services.db, other, DeliveryState.DELIVERED, Attempt(1, 200))
    assert outbox(conn, generation_id) == [("delivered", 0), ("pending", 0)]
    assert len(rows(conn, "select 1 from coursegen.webhook_attempts")) == 1


def test_a_killed_workers_delivery_is_sent_again_with_the_same_id_before_the_rest(
    start_worker: Callable[..., WorkerProcess],
    start_with_webhook: StartWithWebhook,
    conn: Connection,
    receiver: Receiver,
) -> None:
    environment = {
        "WEBHOOK_SECRET": SECRET,
        "WEBHOOK_ALLOWED_HOSTS": "127.0.0.1:*",
        "HEARTBEAT_S": "0.5",
        "STALLED_S": "2",
        "UPKEEP_S": "1",
    }
    killed = threading.Event()

    def hang_once(received: list[Received]) -> Reply:
        if len(received) == 1:
            killed.wait(20)
        return Reply()

    receiver.reply = hang_once
    generation_id = start_with_webhook(receiver.url)
    first = start_worker("--queues", "webhooks", **environment)
    receiver.wait_for(1)
    first.process.kill()
    first.process.wait()
    killed.set()
    let_time_pass(conn)
    start_worker("--queues", "webhooks,upkeep", **environment)
    wait_until(lambda: outbox(conn, generation_id) == [("delivered", 0)] * 3)
    assert numbers(receiver.received) == [1, 1, 2, 3]
    assert receiver.received[0].body == receiver.received[1].body
    wait_until(lambda: rows(conn, "select 1 from procrastinate_jobs where queue_name = 'webhooks'") == [])


def test_a_dead_host_of_many_users_does_not_delay_another_host(
    make_worker: MakeWorker,
    start_with_webhook: StartWithWebhook,
    conn: Connection,
    receiver: Receiver,
) -> None:
    app = make_worker(**{**SENDING, "webhook_concurrency": 4})
    with working(app, "webhooks", on_stop=app.shutdown.closed.set), speaking(say_nothing) as port:
        for _ in range(6):
            start_with_webhook(f"http://127.0.0.1:{port}/", count=2)
        alive = start_with_webhook(receiver.url)
        wait_until(lambda: outbox(conn, alive) == [("delivered", 0)] * 3, seconds=webhook_client.TOTAL_S / 2)
        # Two of the four places try the dead host.
        assert len(rows(conn, "select 1 from coursegen.webhook_deliveries where held_until is not null")) == 2
        app.shutdown.closed.set()
