"""The console on the shared servers."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg.rows import DictRow

from app.auth.operators import ConsoleRole
from app.console import create_console
from app.generation.audit import Actor
from app.operations.sign_in import create_link
from app.services import Services
from app.settings import Settings
from stack.server import free_port
from tests.integration.factories import MakeToken
from tests.integration.operations.rows import Past
from tests.integration.serving import ROOT, Server
from tests.tokens import SECRET

SignIn = Callable[..., FlaskClient]


@pytest.fixture
def console(clean: None, settings: Settings) -> Iterator[Flask]:
    app = create_console(settings)
    app.test_client_class = FlaskClient  # its answers are pages, which `/openapi.json` does not describe
    yield app
    app.extensions["services"].close()


@pytest.fixture
def past(conn: psycopg.Connection[DictRow]) -> Past:
    return Past(conn)


@contextmanager
def console_process(settings: Settings, **changed: str) -> Iterator[Server]:
    """`coursegen console` as a process of its own, on a free port of loopback, which has begun to answer."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "JWT_SECRET": SECRET,
        "CONSOLE_PORT": str(port),
        **changed,
    }
    command = [sys.executable, "-m", "coursegen", "console"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, text=True) as process:
        server, end = Server(process, port), time.monotonic() + 60
        try:
            while server.status("/healthz") != 200:
                assert process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.05)
            yield server
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture
def console_services(console: Flask) -> Services:
    services: Services = console.extensions["services"]
    return services


@pytest.fixture
def sign_in(console: Flask, console_services: Services) -> SignIn:
    """A function that makes a browser that is signed in with that role."""

    def make(role: str = "operator") -> FlaskClient:
        browser = console.test_client()
        link = create_link(console_services.db, ConsoleRole(role), 60, Actor("cli:test"))
        assert browser.get("/login", query_string={"link": link}).status_code == 200
        return browser

    return make


@pytest.fixture
def console_token(token: MakeToken) -> Callable[[str | None], str]:
    """A function that makes a token whose own claim names that role."""

    def make(role: str | None) -> str:
        return token(uuid4(), app_metadata={"console_role": role, "role": "superadmin"})

    return make
