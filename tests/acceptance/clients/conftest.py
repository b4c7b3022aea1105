"""The examples in TypeScript with their packages, and an API whose courses the tests move on themselves."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.acceptance.clients.npm import CLIENTS, install
from tests.integration.http.conftest import Conn
from tests.integration.serving import StartServer, serving


@pytest.fixture(scope="package")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The TypeScript examples with their packages."""
    return install(CLIENTS / "typescript", tmp_path_factory.mktemp("typescript") / "clients")


@pytest.fixture(scope="package")
def start_server(database_url: str, redis_url: str) -> Iterator[StartServer]:
    """A function that starts the API; its arguments change the environment."""
    with serving(database_url, redis_url) as start:
        yield start


@pytest.fixture
def conn(clean: None, database_url: str) -> Iterator[Conn]:
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as conn:
        yield conn
