"""The example course: put into the database for an owner with a token, and read back once it is generated."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from app.auth.minting import mint_token

#: The example's documents.
FILES = Path(__file__).resolve().parents[1] / "examples" / "course"


@dataclass(frozen=True, slots=True)
class OwnedCourse:
    """A course that is ready to be generated, and a token of its owner."""

    id: UUID
    slug: str
    title: str
    user_id: UUID
    token: str


@dataclass(frozen=True, slots=True)
class Lesson:
    """A generated lesson; `section` is its section's title."""

    section: str
    number: int
    title: str
    draft: str


def create_course(database_url: str, secret: str, tier: str) -> OwnedCourse:
    """A new course like `examples/course/course.json` exists; its slug and its owner are new."""
    course: dict[str, Any] = json.loads((FILES / "course.json").read_text(encoding="utf-8"))
    files = course.pop("files")
    user_id = uuid4()
    row = course | {
        "slug": f"{course['slug']}-{secrets.token_hex(3)}",
        "user_id": user_id,
        "generation_progress": {"files": files},
    }
    values = [Jsonb(value) if isinstance(value, list | dict) else value for value in row.values()]
    insert = sql.SQL("insert into courses ({}) values ({}) returning id").format(
        sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(sql.Placeholder() * len(row))
    )
    with psycopg.connect(database_url) as conn:
        [(course_id,)] = conn.execute(insert, values).fetchall()
    return OwnedCourse(course_id, row["slug"], row["title"], user_id, mint_token(secret, user_id, tier))


def read_lessons(database_url: str, generation_id: str) -> list[Lesson]:
    """The generated lessons in their order."""
    query = """
        select section.title, lesson.number, lesson.title, draft.body
        from coursegen.lessons lesson
        join coursegen.sections section
            on section.generation_id = lesson.generation_id and section.number = lesson.section_number
        join coursegen.drafts draft
            on draft.generation_id = lesson.generation_id and draft.lesson_number = lesson.number
        where lesson.generation_id = %s
        order by section.number, lesson.number
    """
    with psycopg.connect(database_url) as conn:
        return [Lesson(*row) for row in conn.execute(query, [generation_id])]
