"""A release under way: workers of an earlier release go on against the schema of this one."""

import io
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from app.database.migrations import migrate
from app.generation.admission.requests import Order
from app.generation.audit import Actor
from app.generation.callers import Caller
from app.generation.tiers import Tier
from app.operations import controls
from app.services import Services
from tests.integration.factories import insert_course
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import status_of
from tests.integration.tasks.processes import WorkerProcess, wait_until

ROOT = Path(__file__).resolve().parents[3]

#: The first commit that has every verb. From it on, each release runs against the schema of the next one.
EARLIEST = "7abc1e4"

MIGRATE = "import sys; from app.database.migrations import migrate; migrate(sys.argv[1])"


@pytest.fixture
def earliest_release(tmp_path: Path) -> Path:
    """The code of that commit, in a folder of its own."""
    archive = subprocess.run(
        ["git", "archive", EARLIEST, "app", "tasks", "pipeline", "sql", "pyproject.toml"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if archive.returncode:
        pytest.skip(f"needs the repository's history: {archive.stderr.decode().strip()}")
    folder = tmp_path / "earliest"
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def test_a_worker_of_the_earliest_release_completes_generations_on_the_newest_schema(
    clean: None,
    earliest_release: Path,
    empty_database_url: str,
    start_worker: Callable[..., WorkerProcess],
    make_services_with: Callable[..., Services],
) -> None:
    subprocess.run([sys.executable, "-c", MIGRATE, empty_database_url], cwd=earliest_release, check=True)
    migrate(empty_database_url)
    worker = start_worker(cwd=earliest_release, DATABASE_URL=empty_database_url)
    services = make_services_with(database_url=empty_database_url)
    with psycopg.connect(empty_database_url, autocommit=True, row_factory=dict_row) as conn:
        controls.pause(services, controls.STAGES, Actor("operator"))
        course = insert_course(conn)
        admission = services.admissions.admit(Caller(course.user_id, Tier.FREE), Order(course.id))
        fence = "select 1 from coursegen.generations where fence > 1"
        wait_until(lambda: rows(conn, fence) != [], seconds=60)  # it has met the pause
        controls.resume(services, controls.STAGES, Actor("operator"))
        wait_until(lambda: status_of(conn, admission.generation_id) in ("completed", "failed"), seconds=60)
        assert status_of(conn, admission.generation_id) == "completed", worker.output
        outcomes = rows(conn, "select outcome::text from coursegen.attempts")
    assert [row["outcome"] for row in outcomes] == ["completed"] * 4
