"""`GET /api/courses/<slug>/content`: the finished course, for its owner."""

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tests.integration.factories import Course, MakeCourse, MakeToken

Connection = psycopg.Connection[DictRow]


def complete(conn: Connection, course: Course, *, lesson: str = "Урок", hours_ago: int = 0) -> UUID:
    """The id of a completed generation of the course with one section, one lesson and two documents."""
    generation = uuid4()
    with conn.transaction():
        conn.execute(
            """
            insert into coursegen.generations
                (id, course_id, user_id, tier, priority, stage, status, source, started_at, finished_at)
            values (%s, %s, %s, 'FREE', 1, 'FINALIZATION', 'completed', 'http', now(), now() - %s * interval '1 hour')
            """,
            [generation, course.id, course.user_id, hours_ago],
        )
        conn.execute("insert into coursegen.sections values (%s, 1, 'Раздел')", [generation])
        sources = Jsonb(["Лекция.md"])
        conn.execute(
            "insert into coursegen.lessons values (%s, 1, 1, %s, '[\"Цель\"]', %s)", [generation, lesson, sources]
        )
        conn.execute("insert into coursegen.drafts values (%s, 1, 'Текст')", [generation])
        for position, error in enumerate([None, "Не удалось прочитать"]):
            values = [generation, position, f"f{position}", f"{position}.md", error]
            conn.execute(
                "insert into coursegen.documents values (%s, %s, %s, %s, 'text/markdown', '', '[]', %s)", values
            )
        body = f"# {lesson}\n"
        conn.execute("insert into coursegen.finished_courses values (%s, %s, '{\"lessons\": 1}')", [generation, body])
    return generation


@pytest.fixture
def course(make_course: MakeCourse) -> Course:
    return make_course(slug="geology")


def headers(token: MakeToken, user: UUID, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(user)}", **more}


def test_the_last_completed_generation_is_the_content(
    client: FlaskClient, conn: Connection, course: Course, token: MakeToken
) -> None:
    complete(conn, course, lesson="Прежний", hours_ago=1)
    generation = complete(conn, course)
    for key in (course.slug, course.id):
        answer = client.get(f"/api/courses/{key}/content", headers=headers(token, course.user_id))
        assert answer.status_code == 200
        body: Any = answer.json
        assert body.pop("completedAt")
        assert body == {
            "courseId": str(course.id),
            "slug": "geology",
            "title": "Основы геологии",
            "jobId": str(generation),
            "sections": [
                {
                    "number": 1,
                    "title": "Раздел",
                    "lessons": [
                        {"number": 1, "title": "Урок", "goals": ["Цель"], "sources": ["Лекция.md"], "text": "Текст"}
                    ],
                }
            ],
            "documents": [
                {"id": "f0", "name": "0.md", "mimeType": "text/markdown", "wasRead": True, "error": None},
                {
                    "id": "f1",
                    "name": "1.md",
                    "mimeType": "text/markdown",
                    "wasRead": False,
                    "error": "Не удалось прочитать",
                },
            ],
            "summary": {"lessons": 1},
            "published": None,
        }


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        ("text/markdown", "text/markdown"),
        ("text/markdown, application/json;q=0.5", "text/markdown"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("text/html", "application/json"),
    ],
)
def test_it_is_markdown_by_accept(
    client: FlaskClient, conn: Connection, course: Course, token: MakeToken, accept: str, mimetype: str
) -> None:
    complete(conn, course)
    answer = client.get("/api/courses/geology/content", headers=headers(token, course.user_id, Accept=accept))
    assert (answer.status_code, answer.mimetype) == (200, mimetype)
    assert (answer.text == "# Урок\n") == (mimetype == "text/markdown")


def test_a_client_that_has_it_is_told_so(
    client: FlaskClient, conn: Connection, course: Course, token: MakeToken
) -> None:
    complete(conn, course, hours_ago=1)

    def ask(**more: str) -> Any:
        return client.get("/api/courses/geology/content", headers=headers(token, course.user_id, **more))

    tag = ask().headers["ETag"]
    again = ask(**{"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert ask(**{"If-None-Match": tag, "Accept": "text/markdown"}).status_code == 200
    complete(conn, course)
    assert ask(**{"If-None-Match": tag}).status_code == 200


def test_there_is_none_before_the_first_completion(
    client: FlaskClient, conn: Connection, course: Course, token: MakeToken
) -> None:
    generation = complete(conn, course)
    conn.execute("update coursegen.generations set status = 'failed' where id = %s", [generation])
    answer = client.get("/api/courses/geology/content", headers=headers(token, course.user_id))
    assert (answer.status_code, answer.json and answer.json["code"]) == (404, "no_content")


def test_it_is_the_owners_and_an_admins(
    client: FlaskClient, conn: Connection, course: Course, token: MakeToken
) -> None:
    complete(conn, course)
    path = "/api/courses/geology/content"
    assert client.get(path).status_code == 401
    assert client.get(path, headers=headers(token, uuid4())).status_code == 403
    admin = token(uuid4(), app_metadata={"role": "superadmin"})
    assert client.get(path, headers={"Authorization": f"Bearer {admin}"}).status_code == 200
    missing = client.get("/api/courses/none/content", headers=headers(token, course.user_id))
    assert (missing.status_code, missing.json and missing.json["code"]) == (404, "course_not_found")


def stop(conn: Connection, course: Course, *, finished: tuple[int, ...] = (1,), hours_ago: int = 0) -> UUID:
    """The id of a failed generation of the course, of whose two lessons these were finished and saved."""
    generation = complete(conn, course, lesson="Первый", hours_ago=hours_ago)
    conn.execute("insert into coursegen.lessons values (%s, 2, 1, 'Второй', '[]', '[]')", [generation])
    for table in ("drafts", "finished_courses"):
        conn.execute(f"delete from coursegen.{table} where generation_id = %s".encode(), [generation])
    conn.execute(
        "update coursegen.generations set status = 'failed', error_message = 'Бюджет исчерпан' where id = %s",
        [generation],
    )
    for number in finished:
        conn.execute(
            """
            insert into coursegen.units
            values (%s, 'TEXT_GENERATION', %s, %s, %s, %s, 'h', 'v', 'm', 1, 1, 1, now() - interval '2 hours')
            """,
            [course.id, str(number), generation.bytes, generation, Jsonb(f"Текст {number}")],
        )
    return generation


def test_what_a_stopped_generation_had_finished_is_readable_and_marked(
    client: FlaskClient, conn: Connection, course: Course, token: MakeToken
) -> None:
    generation = stop(conn, course)
    own = headers(token, course.user_id)
    body: Any = client.get("/api/courses/geology/content", headers=own).json
    unfinished = body["unfinished"]
    assert unfinished.pop("endedAt")
    assert unfinished == {"status": "failed", "error": "Бюджет исчерпан", "lessonsCompleted": 1}
    assert (body["jobId"], body["completedAt"], body["summary"]) == (str(generation), None, {})
    [section] = body["sections"]
    assert [(lesson["title"], lesson["text"]) for lesson in section["lessons"]] == [
        ("Первый", "Текст 1"),
        ("Второй", None),
    ]
    text = client.get("/api/courses/geology/content", headers={**own, "Accept": "text/markdown"}).text
    assert text == "Текст 1"


def test_a_completed_generation_goes_first_and_a_stopped_one_is_named_by_its_id(
    client: FlaskClient, conn: Connection, course: Course, token: MakeToken, make_course: MakeCourse
) -> None:
    completed, stopped = complete(conn, course, hours_ago=1), stop(conn, course)
    elsewhere = stop(conn, make_course())

    def ask(job: object = None) -> Any:
        query = None if job is None else {"jobId": str(job)}
        return client.get("/api/courses/geology/content", headers=headers(token, course.user_id), query_string=query)

    assert ask().json["jobId"] == str(completed)
    assert ask(completed).json["jobId"] == str(completed)
    assert ask(stopped).json["jobId"] == str(stopped)
    assert ask(stopped).headers["ETag"] != ask().headers["ETag"]
    for other in (elsewhere, uuid4(), "none"):
        assert (ask(other).status_code, ask(other).json["code"]) == (404, "no_content")


def test_a_stopped_generation_also_has_what_it_went_on_from(
    client: FlaskClient, conn: Connection, course: Course, token: MakeToken
) -> None:
    stop(conn, course, finished=(1,), hours_ago=1)
    again = stop(conn, course, finished=(2,))
    other = stop(conn, course, finished=())
    conn.execute("update coursegen.lessons set title = 'Иной' where generation_id = %s and number = 1", [other])

    def texts(job: UUID) -> list[str | None]:
        path = f"/api/courses/geology/content?jobId={job}"
        body: Any = client.get(path, headers=headers(token, course.user_id)).json
        return [lesson["text"] for lesson in body["sections"][0]["lessons"]]

    assert texts(again) == ["Текст 1", "Текст 2"]
    assert texts(other) == [None, "Текст 2"]  # its first lesson is another one
