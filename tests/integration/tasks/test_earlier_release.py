"""A release under way: workers of an earlier release go on against the schema of this one."""

import io
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import DictRow

from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import StartGeneration, status_of
from tests.integration.tasks.processes import WorkerProcess, wait_until

ROOT = Path(__file__).resolve().parents[3]

#: The first commit that has every verb. From it on, each release runs against the schema of the next one.
EARLIEST = "d4ad46b"


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
    earliest_release: Path,
    start_worker: Callable[..., WorkerProcess],
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: psycopg.Connection[DictRow],
) -> None:
    worker = start_worker(cwd=earliest_release)
    generation_id = start_generation(make_course())
    wait_until(lambda: status_of(conn, generation_id) in ("completed", "failed"), seconds=60)
    assert status_of(conn, generation_id) == "completed", worker.output
    outcomes = rows(conn, "select outcome::text from coursegen.attempts where generation_id = %s", generation_id)
    assert [row["outcome"] for row in outcomes] == ["completed"] * 4
