"""The real client of tRPC, through its three links, against the running API."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import DictRow, dict_row

from stack.api import Api
from stack.server import HOST, free_port
from tasks.supervision.supervisor import Command, Supervisor
from tests.acceptance.trpc.clients import FOLDER, LACKING, Clients, Done
from tests.conftest import WaitUntil
from tests.integration.factories import Course, insert_course
from tests.tokens import SECRET, make_claims, sign
from tests.trpc import outcome, read_items

ROOT = Path(__file__).resolve().parents[3]
NOWHERE = "postgresql://nobody@127.0.0.1:9/nothing"

pytestmark = pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason=LACKING)

Conn = psycopg.Connection[DictRow]
MakeCourse = Callable[[], Course]


def initiate(course_id: object, **more: object) -> dict[str, Any]:
    return {"method": "mutate", "path": "generation.initiate", "input": {"courseId": str(course_id), **more}}


def cancel(course_id: object) -> dict[str, Any]:
    return {"method": "mutate", "path": "generation.cancel", "input": {"courseId": str(course_id)}}


def status(course_id: object) -> dict[str, Any]:
    return {"method": "query", "path": "generation.status", "input": {"courseId": str(course_id)}}


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with Clients(tmp_path_factory.mktemp("trpc")) as clients:
        yield clients


@contextmanager
def running(log: Path, **environment: str) -> Iterator[Api]:
    """The API as a process of its own, answering."""
    port = free_port()
    measured = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE")}
    usual = {"PATH": os.environ["PATH"], "HOST": HOST, "PORT": str(port), "API_PROCESSES": "1", "APP_ENV": "test"}
    command = Command("api", [sys.executable, "-m", "app.server"], {**measured, **usual, **environment}, log)
    supervisor = Supervisor([command], grace_s=10, cwd=ROOT)
    supervisor.start()
    try:
        yield Api(f"http://{HOST}:{port}")
    finally:
        supervisor.stop()


def answers(api: Api) -> bool:
    try:
        return api.call("GET", "/livez")[0] == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def url(
    database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory, wait_until: WaitUntil
) -> Iterator[str]:
    """Where the API answers."""
    log = tmp_path_factory.mktemp("api") / "api.log"
    with running(log, DATABASE_URL=database_url, REDIS_URL=redis_url, JWT_SECRET=SECRET) as api:
        wait_until(api.ready)
        yield api.url


@pytest.fixture
def conn(clean: None, database_url: str) -> Iterator[Conn]:
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as conn:
        yield conn


@pytest.fixture
def user() -> UUID:
    return uuid4()


@pytest.fixture
def make_course(conn: Conn, user: UUID) -> MakeCourse:
    """A function that makes a course of the user."""
    return lambda: insert_course(conn, user_id=user)


@pytest.fixture
def call(clients: Clients, url: str, link: str, user: UUID) -> Callable[..., Done]:
    """A function that makes calls in one turn, through the link, as the user of a tier."""

    def call(*calls: dict[str, Any], tier: str = "PREMIUM", token: str | None = None) -> Done:
        return clients.call(url, link, token or sign(make_claims(user, tier)), *calls)

    return call


each_link = pytest.mark.parametrize("link", ["httpLink", "httpBatchLink", "httpBatchStreamLink"])
Call = Callable[..., Done]


def test_the_record_is_what_client_and_server_say_today(clients: Clients) -> None:
    """But for the words of Node's own errors, and the order in which a server sends the parts of a stream."""

    def readable(exchanges: list[Any]) -> list[Any]:
        return [
            (request, answer["status"], answer["headers"], list(map(outcome, read_items(request, answer["body"]))))
            for request, answer in ((each["request"], each["response"]) for each in exchanges)
        ]

    recorded = json.loads((FOLDER / "exchanges.json").read_text(encoding="utf-8"))
    assert readable(clients.record()) == readable(recorded)


@each_link
def test_a_generation_is_started_followed_and_cancelled(call: Call, make_course: MakeCourse, conn: Conn) -> None:
    course = make_course()
    [started] = call(initiate(course.id, webhookUrl="https://example.org/hook", title="ignored")).data()
    assert started == {
        "success": True,
        "jobId": started["jobId"],
        "message": "Генерация курса инициализирована",
        "courseId": str(course.id),
    }
    [shown] = call(status(course.id)).data()
    assert (shown["courseId"], shown["slug"]) == (str(course.id), course.slug)
    assert shown["generationProgress"]["steps"][0]["name"] == "Запуск генерации"
    [conflict] = call(initiate(course.id)).errors()
    assert (conflict["code"], conflict["details"]) == ("CONFLICT", {"jobId": started["jobId"]})
    assert call(cancel(course.id)).data() == [{"success": True, "jobId": started["jobId"], "status": "cancelled"}]
    assert call(status(course.id)).data()[0]["currentStatus"] == "cancelled"
    assert call(cancel(course.id)).errors()[0]["reason"] == "nothing_active"
    rows = conn.execute("select id::text, status::text, source from coursegen.generations").fetchall()
    assert rows == [{"id": started["jobId"], "status": "cancelled", "source": "trpc"}]


@each_link
def test_calls_of_one_turn_are_sent_as_the_link_sends_them_and_kept_apart(
    call: Call, make_course: MakeCourse, link: str
) -> None:
    courses = [make_course() for _ in range(3)]
    mixed = [initiate(courses[0].id), initiate(uuid4()), initiate(courses[1].id), cancel(courses[2].id)]
    done = call(*mixed, *[status(course.id) for course in courses])
    assert len(done.exchanges) == (len(mixed) + 3 if link == "httpLink" else 2)
    told = [
        result["data"]["courseId"] if "data" in result else result["error"]["data"]["code"] for result in done.results
    ]
    first, second, third = (str(course.id) for course in courses)
    assert told == [first, "NOT_FOUND", second, "CONFLICT", first, second, third]
    if link == "httpBatchLink":
        assert sorted(each["response"]["status"] for each in done.exchanges) == [200, 207]


@each_link
def test_every_refusal_is_read_as_an_error_of_the_library(
    call: Call, make_course: MakeCourse, conn: Conn, user: UUID
) -> None:
    course, strange = make_course(), insert_course(conn)
    refused: dict[str, Done] = {
        "UNAUTHORIZED": call(initiate(course.id), token="a.b.c"),
        "FORBIDDEN": call(initiate(strange.id)),
        "NOT_FOUND": call({"method": "mutate", "path": "generation.begin", "input": {}}),
        "METHOD_NOT_SUPPORTED": call({"method": "mutate", "path": "generation.status", "input": {}}),
        "BAD_REQUEST": call({"method": "mutate", "path": "generation.initiate"}),
        "PAYLOAD_TOO_LARGE": call(initiate(course.id, notes="я" * 70_000)),
    }
    for name, done in refused.items():
        [found] = done.errors()
        assert found["code"] == name
        assert found["requestId"] == done.exchanges[0]["response"]["headers"]["x-request-id"]
    assert conn.execute("select from coursegen.generations").fetchall() == []


@each_link
def test_a_full_user_learns_when_to_try_again(call: Call, make_course: MakeCourse) -> None:
    call(initiate(make_course().id), tier="FREE").data()
    done = call(initiate(make_course().id), tier="FREE")
    [found] = done.errors()
    assert (found["code"], found["httpStatus"], found["reason"]) == ("TOO_MANY_REQUESTS", 429, "user_limit")
    assert found["details"] == {"tier": "FREE", "user_limit": 1, "current_user_jobs": 1}
    assert int(done.exchanges[0]["response"]["headers"]["retry-after"]) > 0


@each_link
def test_an_admission_that_is_rolled_back_is_read(call: Call, make_course: MakeCourse, conn: Conn) -> None:
    conn.execute("alter table coursegen.generations add constraint refused check (tier <> 'PREMIUM') not valid")
    try:
        done = call(initiate(make_course().id))
    finally:
        conn.execute("alter table coursegen.generations drop constraint refused")
    assert done.results[0]["error"]["message"] == "Не удалось инициализировать генерацию курса. Попробуйте позже."
    assert done.errors()[0]["code"] == "INTERNAL_SERVER_ERROR"


@each_link
def test_a_batch_beyond_the_bound_fails_each_of_its_calls(call: Call, link: str) -> None:
    done = call(*[status(uuid4()) for _ in range(51)])
    reason = "course_not_found" if link == "httpLink" else "batch_too_large"
    assert [found["reason"] for found in done.errors()] == [reason] * 51


@pytest.fixture(scope="module")
def broken_url(tmp_path_factory: pytest.TempPathFactory, wait_until: WaitUntil) -> Iterator[str]:
    """Where an API answers whose database is away."""
    log = tmp_path_factory.mktemp("broken") / "api.log"
    with running(log, DATABASE_URL=NOWHERE, REDIS_URL="redis://127.0.0.1:9/0", JWT_SECRET=SECRET) as api:
        wait_until(lambda: answers(api))
        yield api.url


@each_link
def test_an_outage_is_read(clients: Clients, broken_url: str, link: str, user: UUID) -> None:
    done = clients.call(broken_url, link, sign(make_claims(user)), status(uuid4()), status(uuid4()))
    assert [(found["code"], found["httpStatus"]) for found in done.errors()] == [("SERVICE_UNAVAILABLE", 503)] * 2
    assert int(done.exchanges[0]["response"]["headers"]["retry-after"]) > 0
