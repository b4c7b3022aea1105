"""Publishing: what a generation made is written to the platform's own pages, by the operator's function."""

from typing import Any, cast
from uuid import UUID

from app.database.pool import Database, only_row
from app.database.queries import QUERIES
from app.generation.audit import Actor, record_audit
from app.generation.callers import Caller
from app.generation.progress.status import find_course
from app.generation.results.content import find_content

MODES = ("fill", "replace", "draft")


def publish_course(db: Database, caller: Caller, key: str, mode: str) -> tuple[UUID, dict[str, Any] | None]:
    """The last completed generation of the course of that slug or id is published, again if it was before.

    Returns its id and what `publish_generation` returns. Raises what `find_content` raises.
    """
    course, content = find_course(db, caller, key), find_content(db, caller, key)
    who = "owner" if course.user_id == caller.user_id else "admin"
    actor = Actor(f"{who}:{caller.user_id}")
    return content.generation_id, publish_generation(db, actor, content.generation_id, mode)


def publish_generation(db: Database, actor: Actor, generation_id: UUID, mode: str) -> dict[str, Any] | None:
    """The completed generation is published. Audited. Returns what was done; None where nothing publishes."""
    with db.transaction() as conn:
        row = only_row(conn.execute(QUERIES["publish"], {"generation_id": generation_id, "mode": mode}))
        record_audit(conn, actor, "publish", generation_id=generation_id, mode=mode, result=row["result"])
    return cast("dict[str, Any] | None", row["result"])
