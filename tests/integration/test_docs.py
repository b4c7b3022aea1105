"""What the documents have a reader type or expect, checked against the code and a database."""

import re
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg.rows import DictRow

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def test_every_statement_of_getting_started_is_one(conn: psycopg.Connection[DictRow]) -> None:
    page = (DOCS / "getting-started.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 4
    user = str(uuid4())
    for block in blocks:
        for statement in filter(str.strip, block.replace("<user id>", user).split(";")):
            conn.execute(statement.encode())
    [course] = conn.execute("select slug, user_id::text, generation_progress from courses").fetchall()
    assert (course["slug"], course["user_id"]) == ("my-course", user)
    assert course["generation_progress"]["files"][0]["path"] == "notes.md"


def test_getting_started_shows_what_run_prints() -> None:
    page = (DOCS / "getting-started.md").read_text(encoding="utf-8")
    source = (ROOT / "stack" / "run.py").read_text(encoding="utf-8")
    for words in (
        "API       ",
        "docs      ",
        "database  ",
        "redis     ",
        "webhooks  ",
        "logs      ",
        "Ready. Ctrl-C stops everything.",
    ):
        assert words in source
        assert words in page
