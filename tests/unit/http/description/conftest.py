"""The document, of an application without routes added by tests."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app import create_app
from app.settings import Settings
from tests.logs import logging_restored


@pytest.fixture(scope="module")
def app(settings: Settings) -> Iterator[Flask]:
    """The application without routes added by tests."""
    with logging_restored():
        app = create_app(settings)
        yield app
        app.extensions["services"].close()


@pytest.fixture(scope="module")
def document(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(app.extensions["openapi"]())
    return found
