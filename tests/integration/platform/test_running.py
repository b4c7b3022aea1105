"""Whole generations on a platform's database, by the role of the processes alone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient
from psycopg.types.json import Jsonb

from app import create_app
from app.database.migrations import migrate
from app.generation.runs.take_over import take_over
from app.generation.stages import Stage
from app.settings import Settings
from tasks.worker_app import make_app
from tests.integration.factories import MakeToken
from tests.integration.platform.conftest import PASSWORD, MakePlatform, login
from tests.integration.platform.courses import (
    BOB,
    COURSE,
    Connection,
    cancel_as_user,
    connect,
    only,
    refusals,
    set_value,
)
from tests.integration.tasks.conftest import work
from tests.logs import logging_restored

NOTES = "# Земная кора\n\nКора состоит из плит. Плиты движутся.\n\n# Мантия\n\nМантия лежит под корой. Она вязкая.\n"
FILES = [{"url": "", "name": "notes.md", "size": 92, "type": "text/markdown", "fileId": f"{UUID(int=0xF1)}"}]
CLAIMS = {"role": "instructor", "organization_id": "00000000-0000-0000-0000-0000000000b2"}


@dataclass
class Platform:
    """The API and the workers on a platform's database, and the owner's connection to it."""

    conn: Connection
    client: FlaskClient
    settings: Settings
    headers: dict[str, str]

    def start(self) -> Any:
        return self.client.post("/api/coursegen/generate", json={"courseId": str(COURSE)}, headers=self.headers)

    def poll(self) -> Any:
        return self.client.get(f"/api/courses/{COURSE}/check-status", headers=self.headers).json

    def work(self, **handlers: str) -> None:
        """Workers run until the queue is empty."""
        paths = {Stage[name]: f"tests.integration.tasks.handlers.{handler}" for name, handler in handlers.items()}
        app = make_app(replace(self.settings, handlers={**self.settings.handlers, **paths}))
        try:
            work(app)
        finally:
            app.children.stop()
            app.services.close()

    def upkeep(self) -> None:
        services = self.client.application.extensions["services"]
        take_over(services.db, services.slots, stalled_s=20, timeouts_s=dict.fromkeys(Stage, 600))

    def run(self, *arguments: str) -> Result:
        return self.client.application.test_cli_runner().invoke(args=arguments)


@pytest.fixture(params=["before", "stage1", "newest"])
def age(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["coursegen_app", "service_role"])
def platform(
    request: pytest.FixtureRequest,
    clean: None,
    age: str,
    make_platform: MakePlatform,
    platform_server: str,
    settings: Settings,
    token: MakeToken,
    tmp_path: Path,
) -> Iterator[Platform]:
    """The platform with a course that has a file, and a login that is a member of that role and has no other right."""
    url = make_platform(age)
    migrate(url)
    notes = tmp_path / "uploads/b2/c1/notes.md"
    notes.parent.mkdir(parents=True)
    notes.write_text(NOTES, encoding="utf-8")
    name = f"member_of_{request.param}"
    with psycopg.connect(platform_server, autocommit=True) as admin, connect(url) as conn, logging_restored():
        admin.execute(f"create role {name} login password '{PASSWORD}' in role {request.param}".encode())
        conn.execute("update courses set generation_progress = %s where id = %s", [Jsonb({"files": FILES}), COURSE])
        varied = replace(settings, database_url=login(url, name), files_root=tmp_path, retry_backoff_s=0.05)
        app = create_app(varied)
        headers = {"Authorization": f"Bearer {token(BOB, 'PREMIUM', **CLAIMS)}"}
        try:
            yield Platform(conn, app.test_client(), varied, headers)
        finally:
            app.extensions["services"].close()
            admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", [name])
            admin.execute(f"drop role {name}".encode())


def test_a_course_is_generated_from_the_platforms_files_again_and_again(platform: Platform) -> None:
    assert platform.poll()["currentGenerationStatus"] is None
    for _ in range(2):
        assert platform.start().status_code == 200
        platform.work()
        assert platform.poll()["currentGenerationStatus"] == "completed"
        content: Any = platform.client.get(f"/api/courses/{COURSE}/content", headers=platform.headers).json
        assert [document["wasRead"] for document in content["documents"]] == [True]
        assert content["sections"]
    assert refusals(platform.conn) == 0


def test_it_is_cancelled_started_failed_and_retried(platform: Platform) -> None:
    platform.start()
    assert platform.start().status_code == 409
    answer = platform.client.post(f"/api/courses/{COURSE}/cancel", headers=platform.headers)
    assert answer.status_code == 200
    assert platform.poll()["currentGenerationStatus"] == "cancelled"
    job = platform.start().json["jobId"]
    platform.work(TEXT_GENERATION="refuses")
    assert platform.poll()["currentGenerationStatus"] == "failed"
    done = platform.run("generations", "retry", job)
    assert done.exit_code == 0, done.output
    platform.work()
    assert platform.poll()["currentGenerationStatus"] == "completed"
    assert refusals(platform.conn) == 0


@pytest.mark.parametrize("age", ["stage1", "newest"], indirect=True)
def test_the_platforms_button_cancels_and_its_form_starts_again(platform: Platform) -> None:
    platform.start()
    cancel_as_user(platform.conn, COURSE)
    platform.upkeep()
    ended = "select status::text || ' by ' || ended_by from coursegen.generations"
    assert only(platform.conn, ended) == "cancelled by platform"
    set_value(platform.conn, COURSE, "pending")
    assert platform.start().status_code == 200
    platform.work()
    assert platform.poll()["currentGenerationStatus"] == "completed"
    assert refusals(platform.conn) == 0
