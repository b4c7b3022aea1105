"""A connection rolled back after the test, and databases of a test's own, on every PostgreSQL at hand."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from app.database.migrations import migrate
from stack.postgres import PostgresServer, create_database, drop_database
from tests.integration.sql.courses import Connection


@pytest.fixture
def conn(each_database_url: str) -> Iterator[Connection]:
    """A connection to a migrated database; its transaction is rolled back."""
    with psycopg.connect(each_database_url) as conn:
        yield conn
        conn.rollback()


@pytest.fixture
def new_database_url(postgres_servers: PostgresServer) -> Iterator[str]:
    """A database without a single table, dropped after the test."""
    name = f"course_test_{secrets.token_hex(6)}"
    create_database(postgres_servers.url, name)
    with ExitStack() as cleanup:
        cleanup.callback(drop_database, postgres_servers.url, name)
        yield make_conninfo(postgres_servers.url, dbname=name)


@pytest.fixture
def supabase_roles(postgres_servers: PostgresServer) -> Iterator[None]:
    """The roles of a Supabase server. Asked for before the databases that are migrated with them."""
    with psycopg.connect(postgres_servers.url, autocommit=True) as admin:
        admin.execute("create role anon; create role authenticated; create role service_role")
        try:
            yield
        finally:
            admin.execute("drop role anon, authenticated, service_role")


@pytest.fixture
def supabase_url(supabase_roles: None, new_database_url: str) -> str:
    """A database as Supabase makes them, not migrated yet: roles with its default grants, and `auth.uid()`."""
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute(
            """
            create schema auth;
            grant usage on schema auth to anon, authenticated, service_role;
            create function auth.uid() returns uuid language sql stable
                as $$ select nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
            alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
            alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
            alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
            """
        )
    return new_database_url


@pytest.fixture
def migrated_supabase_url(supabase_url: str) -> str:
    migrate(supabase_url)
    return supabase_url
