"""Files of a course: by the entries of its progress, or by the platform's catalog."""

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from app.database.migrations import migrate
from tests.integration.platform.courses import COURSE, nth_course, only

FILE_ID = "00000000-0000-0000-0000-0000000000f1"
PATH = "uploads/b2/c1/notes.md"
FOUND = [FILE_ID, "notes.md", PATH, "text/markdown"]
OWN = {"id": "7", "name": "a.pdf", "path": "a.pdf", "mime_type": "application/pdf"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([{"url": "", "name": "notes.md", "size": 92, "type": "text/markdown", "fileId": FILE_ID}], [FOUND]),
        ([{"fileId": FILE_ID.upper()}], [[FILE_ID.upper(), *FOUND[1:]]]),
        ([{"url": f"https://files.example.org/{PATH}", "name": "Н"}], [[FILE_ID, "Н", PATH, "text/markdown"]]),
        ([OWN, {"fileId": FILE_ID}], [["7", "a.pdf", "a.pdf", "application/pdf"], FOUND]),
        ([{"fileId": "not-an-id", "name": "x"}], [["not-an-id", "x", None, None]]),
        ([{"url": "", "name": "x", "type": "text/plain"}], [[None, "x", None, "text/plain"]]),
        ([7, None, []], [[None] * 4] * 3),
        ([], []),
        ("none", []),
    ],
)
def test_a_stage_gets_the_path_and_type_of_each_file(
    platform_with_files: Any, files: Any, expected: list[list[Any]]
) -> None:
    conn = platform_with_files
    conn.execute("update courses set generation_progress = %s where id = %s", [Jsonb({"files": files}), COURSE])
    found = conn.execute("select id, name, path, mime_type from coursegen.course_files(%s)", [COURSE]).fetchall()
    assert [list(row.values()) for row in found] == expected


def test_a_file_of_another_course_or_organization_is_not_found(platform_with_files: Any) -> None:
    conn = platform_with_files
    files = Jsonb({"files": [{"fileId": FILE_ID, "name": "stolen"}]})
    conn.execute("update courses set generation_progress = %s", [files])
    path = "select path from coursegen.course_files(%s)"
    assert only(conn, path, nth_course(2)) is None
    conn.execute("update file_catalog set organization_id = '00000000-0000-0000-0000-0000000000b1'")
    assert only(conn, path, COURSE) is None


def test_an_operators_own_function_stays(platform_with_files: Any) -> None:
    conn = platform_with_files
    conn.execute(
        """
        create or replace function coursegen.course_files(p_course_id uuid)
        returns table (id text, name text, path text, mime_type text)
        language sql stable as $$ select '1', 'theirs', 'theirs.md', 'text/markdown' $$
        """
    )
    migrate(conn.info.dsn + " password=" + conn.info.password)
    stage_input = only(
        conn,
        """
        select coursegen.read_stage_input(g, '{}')
        from jsonb_populate_record(null::coursegen.generations, jsonb_build_object('course_id', %s::text)) g
        """,
        COURSE,
    )
    assert [file["name"] for file in stage_input["course"]["files"]] == ["theirs"]
