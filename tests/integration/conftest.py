"""The service on the shared servers, emptied before each test that asks for any of it."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import psycopg
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from psycopg.rows import DictRow, dict_row
from redis.backoff import NoBackoff
from redis.retry import Retry

from app import create_app
from app.services import Services, make_services
from app.settings import Settings, read_settings
from tests.integration.factories import Course, MakeCourse, MakeToken, insert_course
from tests.integration.serving import StartServer, serving
from tests.logs import logging_restored
from tests.tokens import SECRET, make_claims, sign

#: Port 1 of loopback, where nobody listens.
NO_REDIS = "redis://127.0.0.1:1/0"


@contextmanager
def service_login(conn: psycopg.Connection[Any]) -> Iterator[tuple[str, str]]:
    """Name and password of a login that is a member of the service's role, dropped afterwards."""
    name, password = f"service_{secrets.token_hex(6)}", secrets.token_hex(16)
    conn.execute(f"create role {name} login password '{password}' in role coursegen_app".encode())
    try:
        yield name, password
    finally:
        conn.execute(f"drop role {name}".encode())


@pytest.fixture(scope="session")
def service_url(database_url: str) -> Iterator[str]:
    """The shared database for a login that has the privileges of API, workers and commands, and no other."""
    with psycopg.connect(database_url, autocommit=True) as conn, service_login(conn) as (name, password):
        yield urlunsplit(urlsplit(database_url)._replace(netloc=f"{name}:{password}@{conn.info.host}:{conn.info.port}"))


@pytest.fixture(scope="session")
def settings(service_url: str, redis_url: str) -> Settings:
    """The service's settings for the shared servers; all else is default. `dataclasses.replace` varies them."""
    environment = {"DATABASE_URL": service_url, "REDIS_URL": redis_url, "JWT_SECRET": SECRET, "APP_ENV": "test"}
    with mock.patch.dict(os.environ, environment, clear=True):
        return read_settings()


@pytest.fixture
def app(clean: None, settings: Settings) -> Iterator[Flask]:
    """The application on clean servers, closed after the test."""
    with logging_restored():
        app = create_app(settings)
        yield app
        app.extensions["services"].close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def services(clean: None, settings: Settings) -> Iterator[Services]:
    """The services on clean servers without an application, closed after the test."""
    services = make_services(settings)
    yield services
    services.close()


@pytest.fixture
def conn(clean: None, database_url: str) -> Iterator[psycopg.Connection[DictRow]]:
    """A connection of the test's own, in autocommit mode, rows as dicts."""
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as conn:
        yield conn


@pytest.fixture
def redis_client(clean: None, redis_url: str) -> Iterator["redis.Redis"]:
    """A client of the test's own; answers are text."""
    with redis.Redis.from_url(
        redis_url, decode_responses=True, retry=Retry(NoBackoff(), 0), socket_timeout=5
    ) as client:
        yield client


@pytest.fixture
def make_course(conn: psycopg.Connection[DictRow]) -> MakeCourse:
    """A function that inserts a course: by default of a user of its own and without files."""

    def make(*, user_id: UUID | None = None, files: Any = None, **fields: Any) -> Course:
        return insert_course(conn, user_id=user_id, files=files, **fields)

    return make


@pytest.fixture(scope="session")
def token() -> MakeToken:
    """A function that makes a user's token, good for a minute; further claims replace the usual ones, None removes."""

    def make(user_id: UUID | str, tier: str | None = None, **claims: Any) -> str:
        return sign(make_claims(user_id, tier, **claims))

    return make


@pytest.fixture
def make_services_with(clean: None, settings: Settings) -> Iterator[Callable[..., Services]]:
    """Makes services that differ from the usual: their limit, their servers, or none for Redis."""
    with ExitStack() as stack:

        def make(
            *,
            limit: int | None = 3,
            with_redis: bool = True,
            database_url: str | None = None,
            redis_url: str | None = None,
            pool_size: int = 8,
        ) -> Services:
            made = make_services(
                replace(
                    settings,
                    global_concurrency_limit=limit,
                    pool_size=pool_size,
                    database_url=database_url or settings.database_url,
                    redis_url=(redis_url or settings.redis_url) if with_redis else NO_REDIS,
                )
            )
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture(scope="module")
def start_server(service_url: str, redis_url: str) -> Iterator[StartServer]:
    """A function that starts the server on a free port with the environment changed; None removes a variable."""
    with serving(service_url, redis_url) as start:
        yield start
