"""Real servers and freshly migrated databases for every test that asks for one.

`DATABASE_URL` and `REDIS_URL` name servers to use instead of the embedded ones. On them the tests keep to themselves:
databases of their own names, dropped at the end, and a Redis database that was empty.
"""

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol
from unittest import mock
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
from flask import Flask
from hypothesis import settings
from psycopg import sql
from psycopg.conninfo import make_conninfo
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.database.migrations import migrate
from stack.postgres import PostgresServer, create_database, drop_database
from stack.redis import RedisServer
from tests.contract import CheckedClient


class WaitUntil(Protocol):
    def __call__(self, condition: Callable[[], object], within_s: float = 20.0) -> None: ...


HERE = Path(__file__).parent

EXTERNAL_DATABASE_URL = os.environ.get("DATABASE_URL")
EXTERNAL_REDIS_URL = os.environ.get("REDIS_URL")

#: The fixture of each PostgreSQL by version: the embedded one, and the oldest supported where the system has it.
OLDEST = "15"
INSTALLATIONS = {"18": "postgres_server"}
if (POSTGRES_15 := Path("/usr/lib/postgresql/15/bin")).is_dir():
    INSTALLATIONS[OLDEST] = "postgres_15_server"

#: What `empty` leaves alone: they say what the database is, not what happened in it.
KEPT_TABLES = [
    "applied_migrations",
    "applied_functions",
    "queue_migrations",
    "created_objects",
    "status_map",
    "status_changes",
    "status_routes",
    "tiers",
]

MAX_BYTES_IN_A_NAME = 40
#: Folders of the tests that run the service as it ships, so without coverage's tracer in its processes.
AS_SHIPPED = ("acceptance", "alone", "faults")


# Property tests try the same examples each time. `--hypothesis-profile thorough`, as of `make check`, tries more.
settings.register_profile("quick", max_examples=100, deadline=None, derandomize=True, database=None)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=300)
settings.load_profile("quick")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Long bytes name no test: the processes of a parallel run make some anew, with other salts and times."""
    return "bytes" if isinstance(val, bytes) and len(val) > MAX_BYTES_IN_A_NAME else None


def pytest_report_header() -> list[str]:
    """Which servers this run uses."""
    database = "DATABASE_URL" if EXTERNAL_DATABASE_URL else "embedded"
    return [
        f"database: {database}; redis: {'REDIS_URL' if EXTERNAL_REDIS_URL else 'embedded'}; "
        f"database functions on PostgreSQL {', '.join(INSTALLATIONS)}"
    ]


@pytest.fixture(scope="session", autouse=True)
def only_documented_answers() -> Iterator[None]:
    """Every answer that a test client sees is one that `/openapi.json` describes."""
    with mock.patch.object(Flask, "test_client_class", CheckedClient):
        yield


@pytest.fixture(autouse=True)
def tracer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured in seconds and in MiB is the service, not the tracer."""
    if any(request.path.is_relative_to(HERE / folder) for folder in AS_SHIPPED):
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


@pytest.fixture(scope="session")
def wait_until() -> WaitUntil:
    """A function that returns when its condition is true, and fails the test after 20 s, or a given time."""

    def wait(condition: Callable[[], object], within_s: float = 20.0) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, f"not true within {within_s:g} s"
            time.sleep(0.02)

    return wait


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The embedded PostgreSQL, for tests that stop, freeze or kill it; started only when asked for."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The embedded Redis, for tests that stop, freeze or kill it; started only when asked for."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_15_server() -> Iterator[PostgresServer]:
    """The oldest supported PostgreSQL; started only when asked for."""
    with PostgresServer(bin_dir=POSTGRES_15) as server:
        yield server


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(fixture, id=version, marks=[pytest.mark.slow] if version == OLDEST else [])
        for version, fixture in INSTALLATIONS.items()
    ],
)
def postgres_servers(request: pytest.FixtureRequest) -> PostgresServer:
    """Every PostgreSQL at hand in turn, newest first."""
    server: PostgresServer = request.getfixturevalue(request.param)
    return server


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> str:
    """A database server the tests may make databases on."""
    if EXTERNAL_DATABASE_URL:
        return EXTERNAL_DATABASE_URL
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.url


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """A database without a single table, dropped after the test."""
    yield from _database(server_url)


@pytest.fixture(scope="session")
def database_url(server_url: str) -> Iterator[str]:
    """The migrated database that all tests share; `clean` empties it."""
    for url in _database(server_url):
        migrate(url)
        yield url


@pytest.fixture(scope="session")
def each_database_url(postgres_servers: PostgresServer) -> Iterator[str]:
    """A migrated database on every PostgreSQL at hand in turn."""
    for url in _database(postgres_servers.url):
        migrate(url)
        yield url


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest) -> str:
    """The Redis database that all tests share; `clean` empties it."""
    if not EXTERNAL_REDIS_URL:
        server: RedisServer = request.getfixturevalue("redis_server")
        return server.url
    # Each process of a parallel run has its share of the numbers.
    process, processes = (
        int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]),
        int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")),
    )
    for number in range(15 - process, 0, -processes):
        url = urlunsplit(urlsplit(EXTERNAL_REDIS_URL)._replace(path=f"/{number}"))
        with redis.Redis.from_url(url) as client:
            if client.dbsize() == 0:
                return url
    raise pytest.UsageError("too few of the databases 1 to 15 of REDIS_URL are empty")


@pytest.fixture
def clean(database_url: str, redis_url: str) -> None:
    """The shared database is migrated and empty, the queue included, and so is the shared Redis."""
    with psycopg.connect(database_url) as conn:
        empty(conn)
    with redis.Redis.from_url(redis_url, retry=Retry(NoBackoff(), 0), socket_timeout=5) as client:
        client.flushdb()


def empty(conn: psycopg.Connection) -> None:
    """Every table of the service, the queue and the platform is empty, but for `KEPT_TABLES`.

    Raises `psycopg.errors.LockNotAvailable` after 10 s when something still holds one of them.
    """
    conn.execute("set local lock_timeout = '10s'")
    found = conn.execute(
        """
        select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('public', 'coursegen') and c.relkind in ('r', 'p') and c.relname <> all (%s)
        order by c.oid desc
        """,
        [KEPT_TABLES],
    ).fetchall()
    # Younger tables refer to older ones. On tables this small, truncating would take ten times as long.
    tables = [sql.Identifier(*name) for name in found]
    conn.execute(sql.SQL("lock table {} in access exclusive mode").format(sql.SQL(", ").join(tables)))
    conn.execute(sql.SQL(";").join(sql.SQL("delete from {}").format(table) for table in tables))


def _database(server_url: str) -> Iterator[str]:
    name = f"course_test_{secrets.token_hex(6)}"
    create_database(server_url, name)
    with ExitStack() as cleanup:
        cleanup.callback(drop_database, server_url, name)
        yield _with_database(server_url, name)


def _with_database(server_url: str, name: str) -> str:
    if server_url.startswith(("postgres://", "postgresql://")):
        return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    return make_conninfo(server_url, dbname=name)
