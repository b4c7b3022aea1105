"""Databases of a platform that was there first, in three ages, and an empty one, on servers of their own."""

import re
import secrets
import subprocess
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg.rows import dict_row

from app.database.migrations import migrate
from stack.postgres import PostgresServer, create_database, drop_database
from stack.server import server_environment
from tests.conftest import INSTALLATIONS, OLDEST, POSTGRES_15

SQL = Path(__file__).parent / "sql"
#: The scripts of each age. Rows follow them.
AGES = {
    "empty": ["project"],
    "before": ["project", "before"],
    "stage1": ["project", "before", "stage1"],
    "newest": ["project", "before", "stage1", "newest"],
}
#: Roles that own databases. Neither is a superuser; the first has the name that superusers elsewhere have.
OWNERS = ["postgres", "platform_owner"]
PASSWORD = secrets.token_hex(8)

Connection = psycopg.Connection[Any]


class MakePlatform(Protocol):
    def __call__(self, age: str, owner: str = "postgres") -> str: ...


@pytest.fixture(scope="session")
def platform_server() -> Iterator[str]:
    """The URL of the superuser of a server with the roles of the platform. He is not called `postgres`.

    The server is the oldest at hand, as the platform's is.
    """
    with PostgresServer(bin_dir=POSTGRES_15 if OLDEST in INSTALLATIONS else None) as server:
        with psycopg.connect(server.url, autocommit=True) as conn:
            conn.execute(f"create role supabase_admin superuser login password '{PASSWORD}'".encode())
        url = login(server.url, "supabase_admin")
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute("alter role postgres rename to bootstrap")
            for owner in OWNERS:
                attributes = f"login createdb createrole replication bypassrls password '{PASSWORD}'"
                conn.execute(f"create role {owner} {attributes}".encode())
            conn.execute("create role anon; create role authenticated; create role service_role bypassrls")
            conn.execute(f"grant anon, authenticated, service_role to {', '.join(OWNERS)}".encode())
        yield url


@pytest.fixture
def make_platform(platform_server: str) -> Iterator[MakePlatform]:
    """A function that returns its owner's URL of a new database of the platform; dropped after the test."""
    with making_platforms(platform_server) as make:
        yield make


@contextmanager
def making_platforms(platform_server: str) -> Iterator[MakePlatform]:
    """As `make_platform`; the databases are dropped when the block is left."""
    with ExitStack() as cleanup:

        def make(age: str, owner: str = "postgres") -> str:
            name = f"platform_{secrets.token_hex(6)}"
            create_database(platform_server, name)
            cleanup.callback(drop_database, platform_server, name)
            url = urlunsplit(urlsplit(platform_server)._replace(path=f"/{name}"))
            owners_url = login(url, owner)
            scripts = [*AGES[age], *(["rows"] if age != "empty" else [])]
            for script in scripts:
                text = (SQL / f"{script}.sql").read_text(encoding="utf-8")
                text = text.replace("OWNER", owner).replace("DATABASE", name)
                with psycopg.connect(url if script == "project" else owners_url) as conn:
                    conn.execute(text.encode())
            return owners_url

        yield make


def login(url: str, name: str, password: str = PASSWORD) -> str:
    """The URL for another role."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{name}:{password}@{parts.hostname}:{parts.port}"))


@pytest.fixture
def platform_with_files(make_platform: MakePlatform) -> Iterator[Connection]:
    """The owner's connection to a migrated database with a file of the first course."""
    url = make_platform("stage1")
    migrate(url)
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as conn:
        yield conn


def dump(url: str, *, without_rows_of: Collection[str] = ()) -> str:
    """Schema and rows, sorted where the order is chance. Of some tables the rows are left out."""
    with psycopg.connect(url) as conn:
        is_oldest = conn.info.server_version < 160000
    bin_dir = POSTGRES_15 if is_oldest else Path(PostgresServer().bin_dir)
    options = [f"--exclude-table-data={table}" for table in without_rows_of]
    done = subprocess.run(
        [str(bin_dir / "pg_dump"), *options, "--dbname", url],
        env=server_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return re.sub(r"^\\(un)?restrict .*\n", "", done.stdout, flags=re.MULTILINE)
