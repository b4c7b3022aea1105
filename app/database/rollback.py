"""Takes this service out of a database again."""

import json
import logging
from functools import partial
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from app.database.migration_session import Connection, MigrationError, is_present, migration_session
from app.database.migrations import APP_ROLE, name_role
from app.database.queries import read_setup

log = logging.getLogger(__name__)


def rollback(database_url: str, *, app_role: str = APP_ROLE, export: Path | None = None) -> list[str]:
    """The database is as before `migrate`, but for rows of a `courses` that was there. Returns what stays and why.

    Writes finished courses, and a `courses` that `migrate` created, to the folder `export`. Raises `MigrationError` and
    changes nothing while processes of the service are connected, and when such rows would be lost without an export.
    """
    with migration_session(database_url) as session:
        if not is_present(session.conn, "coursegen.created_objects"):
            raise MigrationError("There is nothing to roll back: the database is not migrated")
        kept = session.run(partial(_roll_back, app_role=app_role, export=export))
    log.info("migrations_rolled_back")
    return kept


def _roll_back(conn: Connection, *, app_role: str, export: Path | None) -> list[str]:
    live = [name for (name,) in conn.execute(read_setup("live_sessions")).fetchall()]
    if live:
        raise MigrationError(f"Stop API and workers first. Connected: {', '.join(live)}")
    _export(conn, export)
    kept = []
    if conn.execute("select from coursegen.queue_migrations where was_there").rowcount:
        kept.append("The queue's schema stays as it is: it was there before this service")
    try:
        conn.execute(name_role(conn, read_setup("rollback"), app_role))
    except psycopg.errors.DependentObjectsStillExist as error:
        raise MigrationError(f"Objects that this service did not create depend on it: {error}") from error
    try:
        with conn.transaction():
            conn.execute(name_role(conn, read_setup("drop_role"), app_role))
    except (psycopg.errors.DependentObjectsStillExist, psycopg.errors.InsufficientPrivilege) as error:
        kept.append(f"The role {app_role} stays: {error.diag.message_detail or error}")
    return kept


def _export(conn: Connection, folder: Path | None) -> None:
    """Every row that goes and can't be made again is in the folder. Raises `MigrationError` where there is none."""
    if not is_present(conn, "coursegen.finished_courses"):
        return  # of a first migration that failed
    with conn.cursor(row_factory=dict_row) as cursor:
        finished = cursor.execute(read_setup("finished_courses")).fetchall()
        created = cursor.execute("select from coursegen.created_objects where (kind, name) = ('table', 'courses')")
        courses = cursor.execute("select * from public.courses order by id").fetchall() if created.rowcount else []
    if not finished and not courses:
        return
    if folder is None:
        raise MigrationError(
            f"{len(finished)} finished courses and {len(courses)} rows of courses would be lost."
            " Name a folder to write them to: --export FOLDER"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for course in finished:
        (folder / f"{course['generation_id']}.md").write_text(course["body"], encoding="utf-8")
        _write_json(folder / f"{course['generation_id']}.json", course)
    if courses:
        _write_json(folder / "courses.json", courses)


def _write_json(file: Path, content: object) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False, indent=2, default=str), encoding="utf-8")
