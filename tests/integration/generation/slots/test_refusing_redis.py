"""A Redis that answers PING and serves no slots: it is named with what helps, and admissions stay exact."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import redis

from app.generation.errors import SystemFull
from app.generation.tiers import Tier
from app.operations.doctor import examine
from app.services import Services, make_services
from app.settings import Settings
from stack.redis import RedisServer
from stack.server import free_port
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import Admit

Client = redis.Redis
Harm = Callable[[RedisServer, Client, ExitStack], str | None]
LIMIT = 3


class ClusterServer(RedisServer):
    def _command(self) -> list[str]:
        return [*super()._command(), "--cluster-enabled", "yes", "--cluster-port", str(free_port())]


def with_login(server: RedisServer, user: str, password: str) -> str:
    parts = urlsplit(server.url)
    return parts._replace(netloc=f"{user}:{password}@{parts.hostname}:{parts.port}").geturl()


def runs_as_a_cluster(server: RedisServer, client: Client, stack: ExitStack) -> str:
    cluster = stack.enter_context(ClusterServer())
    with redis.Redis.from_url(cluster.url) as other:
        other.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    return cluster.url


def as_user(server: RedisServer, client: Client, *rules: str) -> str:
    """The URL for a new user with these rules."""
    client.execute_command("ACL", "SETUSER", "limited", "on", ">secret", "&*", *rules)  # type: ignore[no-untyped-call]
    return with_login(server, "limited", "secret")


def forbids_scripts(server: RedisServer, client: Client, stack: ExitStack) -> str:
    return as_user(server, client, "~*", "+@all", "-@scripting")


def forbids_the_keys(server: RedisServer, client: Client, stack: ExitStack) -> str:
    return as_user(server, client, "~other:*", "+@all")


def forbids_writes(server: RedisServer, client: Client, stack: ExitStack) -> str:
    return as_user(server, client, "~*", "+@read", "+@scripting", "+time", "+ping")


def is_a_replica(server: RedisServer, client: Client, stack: ExitStack) -> None:
    primary = stack.enter_context(RedisServer())
    parts = urlsplit(primary.url)
    client.config_set("masterauth", str(parts.password))
    client.replicaof(parts.hostname, parts.port)


def has_no_memory(server: RedisServer, client: Client, stack: ExitStack) -> None:
    client.config_set("maxmemory", "1")


def has_another_password(server: RedisServer, client: Client, stack: ExitStack) -> str:
    return with_login(server, "default", "wrong")


HARMS: dict[str, tuple[Harm, str]] = {
    "cluster": (runs_as_a_cluster, "cluster mode"),
    "scripts": (forbids_scripts, "ACL"),
    "keys": (forbids_the_keys, "ACL"),
    "writes": (forbids_writes, "ACL"),
    "replica": (is_a_replica, "read-only replica"),
    "memory": (has_no_memory, "maxmemory"),
    "password": (has_another_password, "refuses the password"),
}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(params=HARMS)
def harmed(request: pytest.FixtureRequest, clean: None, settings: Settings, stack: ExitStack) -> tuple[Services, str]:
    """Services with such a Redis, and what they should say about it."""
    harm, words = HARMS[request.param]
    server = stack.enter_context(RedisServer())
    client = stack.enter_context(redis.Redis.from_url(server.url))
    url = harm(server, client, stack) or server.url
    services = make_services(replace(settings, redis_url=url, global_concurrency_limit=LIMIT))
    stack.callback(services.close)
    return services, words


def test_admissions_stay_exact_and_it_is_logged_once(
    harmed: tuple[Services, str], make_course: MakeCourse, admit_course: Admit, caplog: pytest.LogCaptureFixture
) -> None:
    services, words = harmed
    caplog.set_level(logging.INFO)
    for _ in range(LIMIT):
        admit_course(services, make_course(), Tier.PREMIUM)
    for _ in range(10):
        with pytest.raises(SystemFull):
            admit_course(services, make_course(), Tier.PREMIUM)
    services.slots.rebuild_all()
    [line] = [record for record in caplog.records if record.message.startswith("redis_")]
    assert (line.message, words in line.__dict__["trouble"]) == ("redis_unavailable", True)


def test_the_problem_and_the_doctor_say_what_helps(harmed: tuple[Services, str]) -> None:
    services, words = harmed
    assert words in (services.slots.problem() or "")
    [finding] = [finding for finding in examine(services) if finding.check == "redis"]
    assert words in finding.found


def test_it_recovers(
    clean: None, settings: Settings, stack: ExitStack, make_course: MakeCourse, admit_course: Admit
) -> None:
    server = stack.enter_context(RedisServer())
    client = stack.enter_context(redis.Redis.from_url(server.url))
    services = make_services(replace(settings, redis_url=server.url))
    stack.callback(services.close)
    has_no_memory(server, client, stack)
    assert services.slots.problem() is not None
    client.config_set("maxmemory", "0")
    assert services.slots.problem() is None
    admit_course(services, make_course())
    assert client.zcard("concurrency:global") == 1
    before = {key: client.ttl(key) for key in client.keys("*")}
    assert services.slots.problem() is None
    assert {key: client.ttl(key) for key in client.keys("*")} == before
