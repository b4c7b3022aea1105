"""`coursegen generate`: who may be generated, what is refused and how, and how it is followed."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from click.testing import Result
from flask import Flask
from psycopg.rows import DictRow, dict_row

from app.cli.command_setup import operator
from app.operations import controls, listings
from tests.conftest import WaitUntil
from tests.integration.factories import Course, MakeCourse
from tests.tokens import SECRET

ROOT = Path(__file__).resolve().parents[3]
Conn = psycopg.Connection[DictRow]


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["generate", *arguments])


def generations(conn: Conn) -> list[DictRow]:
    return conn.execute(
        "select id, course_id, user_id, tier::text, source, status::text from coursegen.generations"
    ).fetchall()


def test_it_is_admitted_for_its_owner(app: Flask, conn: Conn, make_course: MakeCourse) -> None:
    course = make_course()
    done = run(app, str(course.id))
    assert done.exit_code == 0, done.output
    [row] = generations(conn)
    assert done.stdout == f"Admitted {row['id']}\n"
    assert (row["course_id"], row["user_id"], row["tier"], row["source"]) == (course.id, course.user_id, "FREE", "cli")
    audit = conn.execute("select actor, action, generation_id, course_id from coursegen.audit").fetchone()
    assert audit == {
        "actor": operator().name,
        "action": "start",
        "generation_id": row["id"],
        "course_id": course.id,
    }


def test_a_slug_a_tier_and_json_will_do(app: Flask, conn: Conn, make_course: MakeCourse) -> None:
    course = make_course()
    done = run(app, course.slug, "--tier", "premium", "--json")
    [row] = generations(conn)
    assert json.loads(done.stdout) == {"jobId": str(row["id"])}
    assert row["tier"] == "PREMIUM"


def test_a_slug_of_several_needs_the_id_or_the_owner(app: Flask, conn: Conn, make_course: MakeCourse) -> None:
    conn.execute("alter table courses drop constraint courses_slug_key")
    try:
        courses = [make_course(slug="geology") for _ in range(2)]
        refused = run(app, "geology")
        assert (refused.exit_code, refused.stderr.count("--user")) == (1, 1)
        assert run(app, "geology", "--user", str(courses[1].user_id)).exit_code == 0
        assert [row["course_id"] for row in generations(conn)] == [courses[1].id]
    finally:
        conn.execute("truncate courses cascade")
        conn.execute("alter table courses add constraint courses_slug_key unique (slug)")


@pytest.mark.parametrize("wrong", ["unknown", str(UUID(int=1))])
def test_there_must_be_such_a_course(app: Flask, wrong: str) -> None:
    refused = run(app, wrong)
    assert (refused.exit_code, refused.stderr) == (1, f"Error: There is no course {wrong}\n")


def test_it_must_be_that_users(app: Flask, conn: Conn, make_course: MakeCourse) -> None:
    stranger = uuid4()
    refused = run(app, make_course().slug, "--user", str(stranger))
    assert refused.exit_code == 1
    assert f"of user {stranger}" in refused.stderr
    assert generations(conn) == []


def test_what_is_refused_for_now_has_a_code_of_its_own(app: Flask, conn: Conn, make_course: MakeCourse) -> None:
    course = make_course()
    assert run(app, str(course.id)).exit_code == 0
    [row] = generations(conn)
    active = run(app, str(course.id))
    assert (active.exit_code, str(row["id"]) in active.stderr) == (3, True)
    full = run(app, str(make_course(user_id=course.user_id).id))
    assert (full.exit_code, "FREE tier allows 1" in full.stderr) == (3, True)
    for _ in range(2):
        assert run(app, str(make_course().id)).exit_code == 0
    crowded = run(app, str(make_course().id))
    assert (crowded.exit_code, "3 generations are active, of 3" in crowded.stderr) == (3, True)
    controls.pause(app.extensions["services"], controls.ADMISSIONS, operator())
    paused = run(app, str(make_course().id))
    assert (paused.exit_code, "`coursegen resume admissions`" in paused.stderr) == (3, True)


@contextmanager
def conducted(database_url: str, course: Course, *ends: tuple[int, str, str | None]) -> Iterator[None]:
    """Once the course is generated, its steps go as said, each with the course's status, in another thread."""

    def conduct() -> None:
        with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as conn:
            for _ in range(500):
                if conn.execute("select from coursegen.generations where course_id = %s", [course.id]).rowcount:
                    break
                stop.wait(0.02)
            for step, status, course_status in ends:
                stop.wait(0.1)
                with conn.transaction():
                    conn.execute("select update_course_progress(%s, %s, %s, %s)", [course.id, step, status, "дальше"])
                    if course_status:
                        conn.execute("select coursegen.write_course(%s, '[]', %s)", [course.id, course_status])

    stop = threading.Event()
    thread = threading.Thread(target=conduct)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


COMPLETED = [(step, "completed", "completed" if step == 5 else None) for step in range(2, 6)]


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listings, "PAUSE_S", 0.02)


def rises(percentages: list[int]) -> bool:
    """From the start to the end, each of them once; a slow machine may have missed some between."""
    return percentages == sorted(set(percentages)) and (percentages[0], percentages[-1]) == (20, 100)


@pytest.mark.usefixtures("brisk")
def test_it_is_followed_by_lines_to_its_end(app: Flask, database_url: str, make_course: MakeCourse) -> None:
    course = make_course()
    with conducted(database_url, course, *COMPLETED):
        done = run(app, str(course.id), "--watch")
    assert done.exit_code == 0, done.output
    first, *lines = done.stdout.splitlines()
    assert first.startswith("Admitted ")
    assert lines[0] == " 20 %  1/5 Запуск генерации: no worker is alive: Инициализация завершена"
    assert lines[-1].startswith("100 %  5/5 Финализация")
    assert rises([int(line[:3]) for line in lines])


@pytest.mark.usefixtures("brisk")
def test_it_is_followed_by_json_lines(app: Flask, database_url: str, make_course: MakeCourse) -> None:
    course = make_course()
    with conducted(database_url, course, *COMPLETED):
        done = run(app, str(course.id), "--watch", "--json")
    started, *changes = [json.loads(line) for line in done.stdout.splitlines()]
    assert started.keys() == {"jobId"}
    assert rises([change["percentage"] for change in changes])
    assert changes[-1]["status"] == "completed"


@pytest.mark.usefixtures("brisk")
@pytest.mark.parametrize(("step", "status"), [("failed", "failed"), ("pending", "cancelled")])
def test_an_end_that_is_no_completion_is_an_error(
    app: Flask, database_url: str, make_course: MakeCourse, step: str, status: str
) -> None:
    course = make_course()
    with conducted(database_url, course, (2, "in_progress", None), (2, step, status)):
        done = run(app, str(course.id), "--watch")
    assert (done.exit_code, f"The generation is {status}" in done.stderr) == (4, True)


@pytest.fixture
def environment(clean: None, database_url: str, redis_url: str) -> dict[str, str]:
    # Coverage of subprocesses, where it is measured, is asked for by the environment.
    measured = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE")}
    return {
        **measured,
        "PATH": os.environ["PATH"],
        "TERM": "xterm",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "JWT_SECRET": SECRET,
    }


def command(course: Course) -> list[str]:
    return [sys.executable, "-m", "flask", "--app", "wsgi", "generate", str(course.id), "--watch"]


def test_a_terminal_has_a_bar(environment: dict[str, str], database_url: str, make_course: MakeCourse) -> None:
    course = make_course()
    reading, writing = pty.openpty()
    with conducted(database_url, course, *COMPLETED):
        process = subprocess.Popen(command(course), cwd=ROOT, env=environment, stdout=writing, stderr=writing)
        os.close(writing)
        shown = b""
        try:
            while data := os.read(reading, 65536):
                shown += data
        except OSError:  # how a terminal says that nobody writes to it any more
            pass
        assert process.wait(20) == 0, shown.decode()
    os.close(reading)
    assert "5/5 Финализация" in shown.decode()
    assert "[####################################]  100%" in shown.decode()


def take_interrupts() -> None:
    """A shell starts what runs in its background with SIGINT ignored, the tests too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_ctrl_c_stops_watching_and_not_the_generation(
    environment: dict[str, str], conn: Conn, make_course: MakeCourse, wait_until: WaitUntil
) -> None:
    course = make_course()
    with subprocess.Popen(
        command(course),
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=take_interrupts,  # noqa: PLW1509 - before exec no other thread of the child runs
    ) as process:
        assert process.stdout is not None
        job = UUID(process.stdout.readline().split()[1])
        assert process.stdout.readline().startswith(" 20 %")
        process.send_signal(signal.SIGINT)
        try:
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (process.returncode, f"generation {job} goes on" in said) == (130, True), said
    assert [row["status"] for row in generations(conn)] == ["queued"]
