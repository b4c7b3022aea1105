"""A completed course on the platform's own pages: filled, replaced, or beside it as a draft."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import ANY
from uuid import UUID, uuid4

import psycopg
import pytest
from click.testing import Result
from flask import Flask
from psycopg.rows import DictRow

from app import create_app
from app.database.migrations import migrate
from app.settings import Settings
from tests.integration.factories import MakeToken
from tests.integration.platform.conftest import MakePlatform
from tests.integration.platform.courses import BOB, COURSE, admit, connect, only
from tests.logs import logging_restored

SCRIPT = Path(__file__).parents[3] / "deploy/platforms/sections_and_lessons.sql"
Connection = psycopg.Connection[DictRow]
#: Sections by title, with lessons by title.
Outline = dict[str, dict[str, str]]

FIRST: Outline = {"Начало": {"Урок 1": "Текст 1", "Урок 2": "Текст 2"}, "Конец": {"Урок 3": "Текст 3"}}
SECOND: Outline = {"Начало": {"Урок 1": "Новый 1", "Урок 2": "Новый 2"}, "Финал": {"Урок 3": "Новый 3"}}
SHORT: Outline = {"Начало": {"Урок 1": "Текст 1"}}


@pytest.fixture(params=["before", "stage1", "newest"])
def url(request: pytest.FixtureRequest, make_platform: MakePlatform) -> str:
    url = make_platform(request.param)
    migrate(url)
    return url


@pytest.fixture
def app(url: str, settings: Settings) -> Iterator[Flask]:
    with logging_restored():
        app = create_app(replace(settings, database_url=url))
        yield app
        app.extensions["services"].close()


@pytest.fixture
def conn(url: str, app: Flask) -> Iterator[Connection]:
    """A connection to a platform whose pages are filled."""
    done = run(app, "apply", str(SCRIPT))
    assert done.exit_code == 0, done.output
    with connect(url) as conn:
        yield conn


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["platform", *arguments])


def complete(conn: Connection, outline: Outline, course: UUID = COURSE, **request: Any) -> UUID:
    """The id of a generation that has completed with this outline."""
    generation = admit(conn, course, **request)
    number = 0
    with conn.transaction():
        for section, (title, lessons) in enumerate(outline.items(), 1):
            conn.execute("insert into coursegen.sections values (%s, %s, %s)", [generation, section, title])
            for lesson, text in lessons.items():
                number += 1
                values = [generation, number, section, lesson]
                conn.execute("insert into coursegen.lessons values (%s, %s, %s, %s, '[]', '[]')", values)
                conn.execute("insert into coursegen.drafts values (%s, %s, %s)", [generation, number, text])
        conn.execute("insert into coursegen.finished_courses values (%s, '# Курс', '{}')", [generation])
        conn.execute("select coursegen.end_generation(%s, 'completed', '[]')", [generation])
    return generation


def pages(conn: Connection, course: UUID = COURSE) -> Outline:
    """What the platform's pages show, in their order."""
    shown: Outline = {}
    for row in conn.execute(
        """
        select s.title as section, l.title as lesson, c.text_content as text
        from sections s
        left join lessons l on l.section_id = s.id
        left join lesson_content c on c.lesson_id = l.id
        where s.course_id = %s order by s.order_index, l.order_index
        """,
        [course],
    ):
        lessons = shown.setdefault(row["section"], {})
        if row["lesson"]:
            lessons[row["lesson"]] = row["text"]
    return shown


def ids(conn: Connection) -> Any:
    return only(conn, "select array_agg(l.id order by l.id) from lessons l")


def test_a_completed_course_is_on_the_platforms_pages(conn: Connection) -> None:
    complete(conn, FIRST)
    assert pages(conn) == FIRST
    assert only(conn, "select status::text from courses where id = %s", COURSE) == "published"
    assert only(conn, "select count(*) from lessons where status = 'published'") == 3
    read = "set local role authenticated; select set_config('request.jwt.claims', %s, true)"
    claims = {"sub": str(BOB), "role": "instructor", "organization_id": "00000000-0000-0000-0000-0000000000b2"}
    with conn.transaction():
        for statement, values in zip(read.split("; "), ([], [json.dumps(claims)]), strict=True):
            conn.execute(statement.encode(), values or None)
        assert only(conn, "select count(*) from sections where course_id = %s", COURSE) == 2


def test_a_second_time_changes_nothing(conn: Connection, app: Flask) -> None:
    generation = complete(conn, FIRST)
    before = ids(conn)
    done = run(app, "publish", str(generation))
    assert (done.exit_code, done.stdout) == (0, "kept: 0, written: 0\n")
    assert (pages(conn), ids(conn)) == (FIRST, before)


@pytest.mark.parametrize("second", [SECOND, SHORT], ids=["as long", "shorter"])
def test_a_later_generation_updates_what_nobody_changed(conn: Connection, second: Outline) -> None:
    complete(conn, FIRST)
    complete(conn, second)
    assert pages(conn) == second


def test_what_an_author_changed_stays(conn: Connection) -> None:
    complete(conn, FIRST)
    conn.execute("update lesson_content set text_content = 'Моё' where text_content = 'Текст 1'")
    conn.execute("update lessons set title = 'Мой урок' where title = 'Урок 3'")
    conn.execute("update sections set title = 'Моё начало' where title = 'Начало'")
    conn.execute("insert into sections (course_id, title, order_index) values (%s, 'Мой раздел', 3)", [COURSE])
    complete(conn, SECOND)
    assert pages(conn) == {
        "Моё начало": {"Урок 1": "Моё", "Урок 2": "Новый 2"},
        "Финал": {"Мой урок": "Текст 3"},
        "Мой раздел": {},
    }
    assert only(conn, "select result from coursegen.publications order by published_at desc limit 1") == {
        "written": 2,
        "kept": 3,
    }
    complete(conn, SHORT)
    assert pages(conn) == {"Моё начало": {"Урок 1": "Моё"}, "Финал": {"Мой урок": "Текст 3"}, "Мой раздел": {}}


def test_a_lesson_that_an_author_moved_stays_there(conn: Connection) -> None:
    complete(conn, FIRST)
    conn.execute(
        "update lessons set order_index = 9, section_id = (select id from sections where title = 'Конец')"
        " where title = 'Урок 2'"
    )
    complete(conn, SECOND)
    assert pages(conn) == {"Начало": {"Урок 1": "Новый 1"}, "Финал": {"Урок 3": "Новый 3", "Урок 2": "Новый 2"}}
    complete(conn, {"Начало": FIRST["Начало"]})
    assert pages(conn) == {"Начало": {"Урок 1": "Текст 1"}, "Финал": {"Урок 3": "Новый 3", "Урок 2": "Текст 2"}}
    complete(conn, SHORT)
    assert pages(conn) == SHORT


def test_a_course_of_somebody_else_is_left_alone(conn: Connection) -> None:
    conn.execute("insert into sections (course_id, title, order_index) values (%s, 'Старое', 1)", [COURSE])
    complete(conn, FIRST)
    assert pages(conn) == {"Старое": {}}


def test_replace_takes_the_place_of_everything(conn: Connection, app: Flask) -> None:
    conn.execute("insert into sections (course_id, title, order_index) values (%s, 'Старое', 1)", [COURSE])
    generation = complete(conn, FIRST)
    for _ in range(2):
        assert run(app, "publish", str(generation), "--mode", "replace").exit_code == 0
        assert pages(conn) == FIRST


def test_a_draft_stands_beside_what_is_there(conn: Connection, app: Flask) -> None:
    complete(conn, FIRST)
    conn.execute("insert into sections (course_id, title, order_index) values (%s, 'Мой раздел', 9)", [COURSE])
    conn.execute("update courses set status = 'draft' where id = %s", [COURSE])
    generation = complete(conn, FIRST)
    conn.execute("update courses set status = 'draft' where id = %s", [COURSE])
    for _ in range(2):
        assert run(app, "publish", str(generation), "--mode", "draft").exit_code == 0
        order = "select array_agg(title order by order_index) from sections where course_id = %s"
        assert only(conn, order, COURSE) == [*FIRST, "Мой раздел", *FIRST]
        assert only(conn, "select count(*) from lessons where status = 'draft'") == 3
    assert only(conn, "select status::text from courses where id = %s", COURSE) == "draft"


def test_a_retry_fills_the_pages_like_any_generation(conn: Connection) -> None:
    failed = admit(conn, COURSE)
    conn.execute("select coursegen.end_generation(%s, 'failed', '[]')", [failed])
    complete(conn, FIRST, retry_of=str(failed))
    assert pages(conn) == FIRST


def test_a_publication_that_fails_is_counted_and_the_generation_completed(conn: Connection) -> None:
    conn.execute("alter table lessons add check (title <> 'Урок 3')")
    generation = complete(conn, FIRST)
    status = "select status::text from coursegen.generations where id = %s"
    assert (only(conn, status, generation), pages(conn)) == ("completed", {})
    event = only(conn, "select event_type || ' ' || job_id from coursegen.events")
    assert event == f"publish_failed {generation}"


@pytest.mark.parametrize("mode", ["replace", "draft"])
def test_an_owner_chooses_over_http(conn: Connection, app: Flask, token: MakeToken, mode: str) -> None:
    conn.execute("insert into sections (course_id, title, order_index) values (%s, 'Старое', 1)", [COURSE])
    generation = complete(conn, FIRST)
    assert pages(conn) == {"Старое": {}}
    client = app.test_client()
    path = f"/api/courses/{COURSE}/publish"
    answers = [client.post(path, json={"mode": mode}, headers=bearer(token(user))) for user in (uuid4(), BOB, BOB)]
    assert [answer.status_code for answer in answers] == [403, 200, 200]
    assert answers[1].json == {"success": True, "jobId": str(generation), "mode": mode, "result": ANY}
    assert pages(conn) == (FIRST if mode == "replace" else {"Старое": {}, **FIRST})
    audited = "select distinct actor || ' ' || action || ' ' || (details ->> 'mode') from coursegen.audit"
    assert only(conn, f"{audited} where action = 'publish'") == f"owner:{BOB} publish {mode}"
    wrong = client.post(path, json={"mode": "delete"}, headers=bearer(token(BOB)))
    assert (wrong.status_code, wrong.json and wrong.json["code"]) == (400, "invalid_field")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
