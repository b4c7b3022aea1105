"""A receiver, a sender as a worker has one, and generations with pending webhook deliveries."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import DictRow

from app.generation.admission.requests import Order
from app.generation.callers import Caller
from app.generation.tiers import Tier
from app.services import Services
from tasks.webhooks.circuit_breakers import CircuitBreakers
from tasks.webhooks.sender import Sender
from tasks.webhooks.webhook_client import WebhookClient
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.receivers import Received, Receiver, Reply, receiving

Connection = psycopg.Connection[DictRow]
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
#: One at a time, so that `work` sees the job that each delivery calls for.
SENDING = {
    "webhook_secret": SECRET,
    "webhook_allowed_hosts": frozenset({"127.0.0.1:*"}),
    "webhook_concurrency": 1,
}


MakeSender = Callable[..., Sender]
StartWithWebhook = Callable[..., UUID]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def make_sender(services: Services) -> MakeSender:
    """Makes a sender as a worker has one; its circuits never open."""

    def make(client: WebhookClient | None = None, **changes: Any) -> Sender:
        varied: dict[str, Any] = {**SENDING, **changes}
        settings = replace(services.settings, **varied)
        return Sender(replace(services, settings=settings), client or WebhookClient(), Open())

    return make


class Open(CircuitBreakers):
    """Never opens."""

    def __init__(self) -> None:
        super().__init__(most=100)

    def acquire(self, key: object) -> None:
        return None

    def release(self, key: object, *, responded: bool, took_s: float) -> None:
        return None


@pytest.fixture
def start_with_webhook(make_services_with: Callable[..., Services], make_course: MakeCourse) -> StartWithWebhook:
    """Starts a generation whose webhook has `count` pending deliveries."""
    services = make_services_with(limit=100)

    def start(url: str, count: int = 3) -> UUID:
        course = make_course()
        order = Order(course.id, url)
        caller = Caller(course.user_id, Tier.FREE)
        generation_id = services.admissions.admit(caller, order).generation_id
        for number in range(2, count + 1):
            announce(services, generation_id, f"thing {number}")
        return generation_id

    return start


def announce(services: Services, generation_id: UUID, status: str) -> None:
    """Adds a message to the generation's outbox, in a transaction as a stage does."""
    with services.db.transaction() as conn:
        conn.execute("select from coursegen.generations where id = %s for no key update", [generation_id])
        conn.execute("select coursegen.announce(%s, %s, null)", [generation_id, status])


def outbox(conn: Connection, generation_id: UUID) -> list[tuple[str, int]]:
    """The state and the failures of each delivery."""
    query = "select state::text, failures from coursegen.webhook_deliveries where generation_id = %s order by seq"
    return [(row["state"], row["failures"]) for row in rows(conn, query, generation_id)]


def jobs(conn: Connection, generation_id: UUID) -> list[float]:
    """In how many seconds each waiting job of the webhook is due."""
    query = (
        "select coalesce(extract(epoch from scheduled_at - now()), 0)::float as seconds from procrastinate_jobs"
        " where status = 'todo' and queueing_lock = %s"
    )
    return [row["seconds"] for row in rows(conn, query, f"webhook:{generation_id}")]


def let_time_pass(conn: Connection) -> None:
    """All pending deliveries are due, and all claims have ended."""
    conn.execute("update coursegen.webhook_deliveries set due_at = now() where state = 'pending'")
    conn.execute("update coursegen.webhook_deliveries set held_until = now() where held_until is not null")


def failing(*statuses: int) -> Callable[[list[Received]], Reply]:
    """Responds with these statuses one after the other, then with 204."""
    return lambda received: Reply(statuses[len(received) - 1] if len(received) <= len(statuses) else 204)
