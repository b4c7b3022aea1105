"""The platform's own receiver, which writes each message into the course's row and refuses what comes late."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest

from app.database.migrations import migrate
from app.services import Services, make_services
from app.settings import Settings
from tasks.webhooks.sender import Sender
from tasks.webhooks.webhook_client import WebhookClient
from tests.integration.platform.beside.old_stack import answer_as_platform
from tests.integration.platform.conftest import MakePlatform
from tests.integration.platform.courses import COURSE, Connection, admit, connect, only, write
from tests.integration.tasks.webhooks.conftest import let_time_pass
from tests.receivers import Receiver, receiving

SECRET = "the secret that the platform has shared with its old stack"
WAY = ["analyzing_task", "generating_structure", "generating_content", "finalizing"]


@pytest.fixture
def url(make_platform: MakePlatform, age: str) -> str:
    url = make_platform(age)
    migrate(url)
    return url


@pytest.fixture
def conn(url: str) -> Iterator[Connection]:
    with connect(url) as conn:
        yield conn


@pytest.fixture
def receiver(url: str) -> Iterator[Receiver]:
    with receiving(answer_as_platform(url, SECRET)) as receiver:
        yield receiver


@pytest.fixture
def services(url: str, settings: Settings) -> Iterator[Services]:
    hosts = frozenset({"127.0.0.1:*"})
    services = make_services(replace(settings, database_url=url, webhook_secret=SECRET, webhook_allowed_hosts=hosts))
    yield services
    services.close()


def generate(conn: Connection, receiver: Receiver, end: str) -> UUID:
    """A generation to that end, faster than any of its messages is sent."""
    generation = admit(conn, COURSE, webhook_url=receiver.url)
    for status in WAY:
        write(conn, COURSE, status)
        conn.execute("select coursegen.announce(%s, %s, null)", [generation, status])
    conn.execute("select coursegen.end_generation(%s, %s, '[]')", [generation, end])
    return generation


@pytest.mark.parametrize(
    ("age", "end", "told", "publication"),
    [
        ("stage1", "completed", ["initializing"] * 3 + ["completed"], "published"),
        ("newest", "completed", ["initializing"] * 3 + ["completed"], "published"),
        ("stage1", "cancelled", ["initializing"] * 3 + ["cancelled"] * 3, "draft"),
    ],
)
def test_the_end_arrives_past_what_it_can_never_take(
    services: Services, conn: Connection, receiver: Receiver, end: str, told: list[str], publication: str
) -> None:
    generation = generate(conn, receiver, end)
    sender = Sender(services, WebhookClient())
    for _ in range(10):
        sender.send_next(generation)
        let_time_pass(conn)
    assert [message.json["status"] for message in receiver.received] == told
    pending = "select count(*) from coursegen.webhook_deliveries where state = 'pending'"
    assert only(conn, pending) == 0
    row = "select status::text || ' ' || generation_status::text from courses where id = %s"
    assert only(conn, row, COURSE) == f"{publication} {end}"
