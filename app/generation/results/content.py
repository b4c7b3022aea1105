"""The course as clients read it: what its last completed generation made, or what one that was stopped had finished."""

from dataclasses import dataclass
from uuid import UUID

from app.database.pool import Database
from app.database.queries import QUERIES
from app.generation.callers import Caller
from app.generation.errors import NoContent
from app.generation.progress.status import find_course


@dataclass(frozen=True, slots=True)
class FoundContent:
    """The generation that made the content, and the tag of its state. `is_stopped`: it did not come to its end."""

    generation_id: UUID
    tag: str
    is_stopped: bool


def find_content(db: Database, caller: Caller, key: str, generation_id: UUID | None = None) -> FoundContent:
    """The content of the course of that slug or id: of its last completed generation, else of the last stopped one.

    With `generation_id`, of that generation. Raises `NoContent` if there is none; also as `find_course`.
    """
    course = find_course(db, caller, key)
    values = {"course_id": course.course_id, "generation_id": generation_id}
    with db.connection() as conn:
        for query in ("find_content", "find_stopped"):
            row = conn.execute(QUERIES[query], values).fetchone()
            if row is not None:
                return FoundContent(row["generation_id"], row["tag"], query == "find_stopped")
    raise NoContent


def read_json(db: Database, content: FoundContent) -> str:
    """The whole content as JSON text. Raises `NoContent` if it has gone meanwhile."""
    return _read(db, content, "read_stopped" if content.is_stopped else "read_content")


def read_markdown(db: Database, content: FoundContent) -> str:
    """The course as one Markdown text. Raises `NoContent` if it has gone meanwhile."""
    return _read(db, content, "read_stopped_text" if content.is_stopped else "read_content_text")


def _read(db: Database, content: FoundContent, query: str) -> str:
    with db.connection() as conn:
        row = conn.execute(QUERIES[query], {"generation_id": content.generation_id}).fetchone()
    if row is None or row["body"] is None:
        raise NoContent
    return str(row["body"])
