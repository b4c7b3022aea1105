"""A receiver, a sender as a worker has one, and generations with pending webhook deliveries."""

from collections.abc import Callable, Iterator, Sequence
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
from tasks.webhooks.sender import Sender
from tasks.webhooks.webhook_client import WebhookClient
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.receivers import Received, Receiver, Reply, receiving

Connection = psycopg.Connection[DictRow]
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
OLDER_SECRET = "secret of an older service"
SIGNING_KEY = "whsk_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
#: One at a time, so that `work` sees the job that each delivery calls for.
SENDING = {
    "webhook_secret": SECRET,
    "webhook_secret_old": (OLDER_SECRET,),
    "webhook_signing_key": SIGNING_KEY,
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
    """Makes a sender as a worker has one."""

    def make(client: WebhookClient | None = None, **changes: Any) -> Sender:
        varied: dict[str, Any] = {**SENDING, **changes}
        settings = replace(services.settings, **varied)
        return Sender(replace(services, settings=settings), client or WebhookClient())

    return make


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


def insert_webhooks(conn: Connection, user_id: UUID, urls: Sequence[str]) -> list[UUID]:
    """Cancelled generations of that user. Each has one pending message, to one of the URLs, and its job."""
    query = """
        with wanted as materialized (
            select gen_random_uuid() as id, gen_random_uuid() as course_id, url from unnest(%s::text[]) url
        ), course as (
            insert into courses (id, user_id, title, slug) select course_id, %s, '', course_id::text from wanted
        ), delivery as (
            insert into coursegen.webhook_deliveries (generation_id, seq, status, step, percentage, message)
            select id, 1, 'cancelled', 1, 20, '' from wanted
        )
        insert into coursegen.generations (
            id, course_id, user_id, tier, priority, stage, status, source, webhook_url, finished_at
        )
        select id, course_id, %s, 'FREE', 1, 'STRUCTURE_ANALYSIS', 'cancelled', 'rest', url, now() from wanted
        returning id
    """
    made = [row["id"] for row in rows(conn, query, list(urls), user_id, user_id)]
    conn.execute("select coursegen.schedule_delivery(id) from unnest(%s) id", [made])
    return made


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


def numbers(messages: list[Received]) -> list[int]:
    """The place of each message in its generation, for those that `start_with_webhook` makes."""
    statuses = [str(message.json["status"]) for message in messages]
    return [int(status.removeprefix("thing ")) if status.startswith("thing ") else 1 for status in statuses]


def failing(*statuses: int) -> Callable[[list[Received]], Reply]:
    """Responds with these statuses one after the other, then with 204."""
    return lambda received: Reply(statuses[len(received) - 1] if len(received) <= len(statuses) else 204)
