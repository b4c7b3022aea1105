"""The finished course: what its last completed generation made."""

from dataclasses import dataclass
from uuid import UUID

from app.database.pool import Database
from app.database.queries import QUERIES
from app.generation.callers import Caller
from app.generation.errors import NoContent
from app.generation.progress.status import find_course


@dataclass(frozen=True, slots=True)
class FoundContent:
    """The generation that made the content, and the tag of its state."""

    generation_id: UUID
    tag: str


def find_content(db: Database, caller: Caller, key: str) -> FoundContent:
    """The content of the course of that slug or id. Raises `NoContent` before the first; also as `find_course`."""
    course = find_course(db, caller, key)
    with db.connection() as conn:
        row = conn.execute(QUERIES["find_content"], {"course_id": course.course_id}).fetchone()
    if row is None:
        raise NoContent
    return FoundContent(row["generation_id"], row["tag"])


def read_json(db: Database, content: FoundContent) -> str:
    """The whole content as JSON text. Raises `NoContent` if it has gone meanwhile."""
    return _read(db, content, "read_content")


def read_markdown(db: Database, content: FoundContent) -> str:
    """The course as one Markdown text. Raises `NoContent` if it has gone meanwhile."""
    return _read(db, content, "read_content_text")


def _read(db: Database, content: FoundContent, query: str) -> str:
    with db.connection() as conn:
        row = conn.execute(QUERIES[query], {"generation_id": content.generation_id}).fetchone()
    if row is None or row["body"] is None:
        raise NoContent
    return str(row["body"])
