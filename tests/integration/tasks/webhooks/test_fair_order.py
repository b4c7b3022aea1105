"""Which delivery is sent next: real claims, and receivers and a clock that are simulated."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from app.generation.webhooks.outbox import Attempt, Delivery, DeliveryState, claim_delivery, finish_delivery
from app.services import Services
from tasks.webhooks.sender import wait_after
from tests.integration.generation.conftest import rows
from tests.integration.tasks.webhooks.conftest import Connection, insert_webhooks

PLACES, SHARE = 4, 2
HANGS, DAWDLES, RESPONDS = timedelta(seconds=10), timedelta(seconds=9), timedelta(milliseconds=100)


class Simulation:
    """A worker's senders. Paths that begin with /hang never respond, those with /slow in time, the others at once."""

    def __init__(self, services: Services, conn: Connection) -> None:
        self.services, self.conn, self.clock = services, conn, timedelta()
        self._busy: list[tuple[timedelta, timedelta, Delivery]] = []

    def run_until_delivered(self, generation_id: UUID, most: timedelta) -> timedelta:
        """How long the delivery took from now on."""
        begin = self.clock
        while rows(
            self.conn,
            "select 1 from coursegen.webhook_deliveries where generation_id = %s and state = 'pending'",
            generation_id,
        ):
            assert self.clock - begin < most, "waited in vain"
            self.step()
        return self.clock - begin

    def step(self) -> None:
        """Every free sender has claimed what it may, and the next event has happened."""
        while len(self._busy) < PLACES and (delivery := claim_delivery(self.services.db, uuid4(), SHARE)):
            takes = HANGS if "/hang" in delivery.url else DAWDLES if "/slow" in delivery.url else RESPONDS
            self._busy.append((self.clock + takes, self.clock, delivery))
        if not self._busy:
            self._pass(timedelta(seconds=1))
            return
        self._busy.sort(key=lambda sending: sending[0])
        ends, began, delivery = self._busy.pop(0)
        self._pass(ends - self.clock)
        delivery = replace(delivery, held_until=delivery.held_until - (self.clock - began))
        if "/hang" in delivery.url:
            attempt, wait_s = Attempt(10_000, error="silence"), wait_after(delivery.failures, None)
            assert finish_delivery(self.services.db, delivery, DeliveryState.PENDING, attempt, wait_s=wait_s)
        else:
            assert finish_delivery(self.services.db, delivery, DeliveryState.DELIVERED, Attempt(100, 200))

    def _pass(self, time: timedelta) -> None:
        self.clock += time
        self.conn.execute(
            "update coursegen.webhook_deliveries set due_at = due_at - %(t)s, held_until = held_until - %(t)s,"
            " give_up_at = give_up_at - %(t)s where state = 'pending'",
            {"t": time},
        )


@pytest.fixture
def simulation(services: Services, conn: Connection) -> Simulation:
    return Simulation(services, conn)


@pytest.mark.parametrize("after_s", [0, 300])
@pytest.mark.parametrize(
    ("users", "hosts", "each", "path", "well"),
    [
        (1, 1, 300, "hang", "https://host-0.example/well"),
        (1, 1, 300, "hang", "https://elsewhere.example/"),
        (1, 50, 6, "hang", "https://host-0.example/well"),
        (5, 1, 60, "hang", "https://host-0.example/well"),
        (30, 1, 10, "hang", "https://elsewhere.example/"),
        (5, 1, 60, "slow", "https://host-0.example/well"),
        (5, 10, 6, "slow", "https://elsewhere.example/"),
    ],
    ids=[
        "a user on the same host",
        "a user elsewhere",
        "a user on many hosts",
        "five on the same host",
        "thirty elsewhere",
        "five slow ones on the same host",
        "five slow ones on many hosts",
    ],
)
def test_a_receiver_that_responds_waits_for_few_senders(
    simulation: Simulation, conn: Connection, users: int, hosts: int, each: int, path: str, well: str, after_s: int
) -> None:
    for _ in range(users):
        urls = [f"https://host-{host}.example/{path}{number}" for host in range(hosts) for number in range(each)]
        insert_webhooks(conn, uuid4(), urls)
    while simulation.clock < timedelta(seconds=after_s):
        simulation.step()
    [generation_id] = insert_webhooks(conn, uuid4(), [well])
    assert simulation.run_until_delivered(generation_id, timedelta(hours=1)) <= 3 * HANGS


@pytest.mark.parametrize("url", ["https://elsewhere.example/", "https://shared.example/well"])
def test_a_users_own_receivers_that_respond_wait_for_few_senders(
    simulation: Simulation, conn: Connection, url: str
) -> None:
    user_id = uuid4()
    insert_webhooks(conn, user_id, [f"https://shared.example/hang{number}" for number in range(20)])
    while rows(conn, "select 1 from coursegen.webhook_deliveries where failures = 0"):
        simulation.step()
    [generation_id] = insert_webhooks(conn, user_id, [url])
    assert simulation.run_until_delivered(generation_id, timedelta(hours=1)) <= 2 * HANGS


def test_every_hanging_delivery_is_still_retried(simulation: Simulation, conn: Connection) -> None:
    for _ in range(3):
        insert_webhooks(conn, uuid4(), [f"https://shared.example/hang{number}" for number in range(10)])
    while simulation.clock < timedelta(minutes=30):
        simulation.step()
    [least] = rows(conn, "select min(failures) as failures from coursegen.webhook_deliveries")
    assert least["failures"] >= 3


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://example.org", "example.org"),
        ("http://Example.org/a?b@c:9", "example.org"),
        ("HTTPS://example.ORG:8443?x=/y@z", "example.org:8443"),
        ("http://user:p@ss@10.0.0.1:8080?x=1", "10.0.0.1:8080"),
        ("https://[2001:DB8::1]/", "[2001:db8::1]"),
        ("http://[2001:db8::1]:81/@/?", "[2001:db8::1]:81"),
    ],
)
def test_the_host_of_a_url_is_its_limits_key(conn: Connection, url: str, host: str) -> None:
    assert rows(conn, "select coursegen.webhook_host(%s) as host", url) == [{"host": host}]
