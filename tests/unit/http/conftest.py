"""The application with nothing behind it: what it refuses here, it refuses without asking any server."""

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Protocol
from unittest import mock
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.http.authentication import authenticate
from app.settings import Settings, read_settings
from tests.logs import logging_restored
from tests.tokens import SECRET, make_claims, sign

#: Nothing listens on the discard port of the loopback interface.
NOWHERE = "127.0.0.1:9"

USER = UUID("6f2d0a0e-5d1c-4c63-9c53-9f3a6ad8a001")


class MakeClient(Protocol):
    def __call__(self, **settings: Any) -> FlaskClient: ...


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Settings that name servers which aren't there."""
    environment = {
        "DATABASE_URL": f"postgresql://nobody@{NOWHERE}/nothing",
        "REDIS_URL": f"redis://{NOWHERE}/0",
        "JWT_SECRET": SECRET,
        "APP_ENV": "test",
    }
    with mock.patch.dict(os.environ, environment, clear=True):
        return read_settings()


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[FlaskClient]:
    """A client of the application, which also serves `/whoami`: how the caller was understood."""
    with logging_restored():
        app = make_app(settings)
        yield app.test_client()
        app.extensions["services"].close()


@pytest.fixture
def make_client(settings: Settings) -> Iterator[MakeClient]:
    """A function that makes a client of an application with some settings changed."""
    apps: list[Flask] = []

    def make(**changed: Any) -> FlaskClient:
        apps.append(make_app(replace(settings, **changed)))
        return apps[-1].test_client()

    with logging_restored():
        yield make
        for app in apps:
            app.extensions["services"].close()


@pytest.fixture
def authorized() -> dict[str, str]:
    """The headers of a user whose token is good."""
    return {"Authorization": f"Bearer {sign(make_claims(USER))}"}


@pytest.fixture
def post(client: FlaskClient, authorized: dict[str, str]) -> Any:
    """A function that posts a body to the route that starts generations."""

    def post(body: bytes | str, content_type: str | None = "application/json") -> TestResponse:
        return client.post("/api/coursegen/generate", data=body, content_type=content_type, headers=authorized)

    return post


def make_app(settings: Settings) -> Flask:
    app = create_app(settings)

    @app.get("/whoami")
    def whoami() -> dict[str, Any]:
        caller = authenticate()
        role, organization = caller.role and caller.role.value, caller.organization_id and str(caller.organization_id)
        return {"userId": str(caller.user_id), "tier": caller.tier.value, "role": role, "organization": organization}

    return app
